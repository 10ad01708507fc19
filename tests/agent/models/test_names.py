"""Names of tools as models write them: what is meant by one, and what is another one."""

from support.each import each

from agent.models.names import NAME_CHARACTERS, tool_name

LONG = "x" * NAME_CHARACTERS
TOOLS = (
    "create_order",
    "create_order_preview",
    "delete",
    "Delete_All",
    "find_order",
    "find-order",
    "json",
    "ab_c",
    LONG,
)


@each(
    ("written", "meant"),
    [
        *(
            (written, "create_order")
            for written in (
                " create_order\n", "createOrder", "CREATE-ORDER", "create order", "create.order", "functions.create_order:3",
                "default_api.create_order", "default_api::createOrder", "to=functions.create_order<|message|>",
                "assistant<|channel|>commentary to=functions.create_order", "tool_call: create_order", '"create_order"',
                "multi_tool_use.create_order", "create_order<|constrain|>json", "create_order json", "function/create_order",
            )
        ),
        ("functions.json", "json"),
        ("DELETE", "delete"),
        ("delete-all", "Delete_All"),
        ("create_order.preview", "create_order_preview"),
    ],
)  # fmt: skip
def test_a_name_is_a_tools_in_other_signs_and_capitals_and_among_words_of_a_grammar(written: str, meant: str) -> None:
    """G663"""
    assert tool_name(written, TOOLS) == meant


@each(
    "written",
    ["undo create_order", "undo.create_order", "preview.create_order", "dry_run=create_order", "not/create_order", "crm::delete",
     "create_order:preview:1", "create_orders", "crеate_order", "ｄｅｌｅｔｅ", "findOrder", "abüc", "ab\u0441_c",
     f"{LONG}_dry_run", f"functions.{LONG}_dry_run", f"{'functions.' * 40}delete", "()", "", "\ud800"],
)  # fmt: skip
def test_whatever_else_stands_with_a_name_makes_it_another_one(written: str) -> None:
    """G663: a word before it, letters of other scripts, an end that does not fit; and where two tools could be meant it is none."""
    name = tool_name(written, TOOLS)
    assert name not in TOOLS
    assert 0 < len(name) <= NAME_CHARACTERS
    assert name.isascii()
