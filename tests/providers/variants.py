"""Variants of what providers send, by what becomes of them at the model's door; `cases.py` has those that go through all of a run.

Each stands for a form that some server was reported to send, or that the code which reads it has to tell from such a one.
"""

from dataclasses import dataclass
from typing import Any

import orjson
from support.saying import ANSWER, DONE, Paced, Said, answer, bare, call, calling, data, end, event, usage, words

COUNT, FIND, CREATE = TOOLS = ("count_orders", "find_order", "create_order")
ORDER_7, ORDER_8 = '{"number": 7}', '{"number": 8}'
SEVEN, EIGHT = (FIND, {"number": 7}), (FIND, {"number": 8})
COUNTED: tuple[str, dict[str, Any]] = (COUNT, {})
THINK = "Hm, let me see."
USED = {"usage": {"prompt_tokens": 7, "completion_tokens": 8}}
BUSY_S = {"first_token_timeout_s": 1.0, "between_tokens_timeout_s": 1.0}
FINISHED = event({}, "stop")


@dataclass(frozen=True, slots=True)
class Variant:
    """A response, and what is heard of it. None is not looked at."""

    name: str
    said: bytes | Said | Paced
    text: str = ANSWER
    calls: tuple[tuple[str, dict[str, Any] | None], ...] = ()
    error: str | None = None
    reasoning: str | None = None
    usage: tuple[int, int] | None = None
    reason: str | None = None
    extras: dict[str, Any] | None = None
    limits: dict[str, float] | None = None


def chunk(text: str, finish_reason: str | None = None, **more: Any) -> dict[str, Any]:
    """Return an event's object."""
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish_reason}], **more}


def message(text: str, finish_reason: str | None = None) -> dict[str, Any]:
    """Return an event's object with a message in place of a delta."""
    return {"choices": [{"index": 0, "message": {"content": text}, "finish_reason": finish_reason}]}


def body(value: object, content_type: str = "application/json") -> Said:
    """Return a body that is JSON as a whole."""
    return Said(orjson.dumps(value), ends="sized", content_type=content_type)


def lines(*values: object) -> bytes:
    return b"".join(orjson.dumps(value) + b"\n" for value in values)


def called(name: str, *events: bytes, calls: tuple[Any, ...] = (SEVEN,), finish: bytes | None = None) -> Variant:
    """Return a variant of a step that asks for calls."""
    return Variant(name, b"".join(events) + (end("tool_calls") if finish is None else finish), text="", calls=calls)


WHOLE = {"message": {"role": "assistant", "content": ANSWER}, "finish_reason": "stop"}
TWO = [chunk("There are "), chunk("**42** orders.", "stop")]
PRETTY = orjson.dumps(chunk(ANSWER, "stop"), option=orjson.OPT_INDENT_2)
MANY = "20231130000123456789"
OPENED = call(CREATE, '{"item": "', call_id="a")
HALVES = (
    rb'data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\ud83d"}}]}}]}',
    rb'data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\ude00\"}"}}]}}]}',
)

SHAPES = [
    Variant("pretty JSON in lines of data", b"data: " + PRETTY.replace(b"\n", b"\ndata: ") + b"\n\n" + DONE),
    Variant("pretty JSON behind one field", b"data: " + PRETTY + b"\n\n" + DONE),
    Variant("a list of chunks in an event", data(TWO) + DONE),
    Variant("a body that is a list of chunks", body([*TWO, {"choices": [], **USED}]), usage=(7, 8)),
    Variant("words before an error in a list", data([TWO[0], {"error": "x"}]), "There are ", error="model_unavailable"),
    Variant("a completion within a gateway's result", body({"success": True, "result": {"choices": [WHOLE]}})),
    Variant("chunks within data", data({"data": TWO[0]}) + data({"data": TWO[1]}) + DONE),
    Variant("a BOM before a later event", words("There are ") + b"\xef\xbb\xbf" + words("**42** orders.") + end()),
    Variant("a delta that is a text", data({"choices": [{"index": 0, "delta": ANSWER}]}) + end()),
    Variant("text where the delta belongs", data({"choices": [{"text": ANSWER, "finish_reason": "stop"}]}) + DONE),
    Variant(
        "messages in pieces",
        b"".join(bare(delta=None, message={"content": text}) for text in ("There are ", "**42** ", "orders.")) + end(),
    ),
    Variant(
        "messages that grow",
        b"".join(bare(delta=None, message={"content": ANSWER[:at]}) for at in (5, 12, len(ANSWER))) + end(),
    ),
    Variant("all words again in the last delta", words() + event({"content": ANSWER}, "stop") + DONE),
    Variant("a word that is said twice", words("no no ", pieces=2) + event({"content": "no no "}, "stop") + DONE, "no no no no "),
    Variant("llama.cpp's own field of an error", b'error: {"code": 400, "type": "exceed_context_size_error", "message": "x"}\n\n', "",
            error="context_too_long"),
    Variant("an error in Groq's field", words("Half") + data({"choices": [], "x_groq": {"error": "Rate limit reached"}}), "Half",
            error="model_rate_limited"),
    Variant("an object as the finish reason", words("Half") + event({}, {"type": "length", "length": 7}) + DONE, "Half", reason="length"),
    Variant("pings with codes", data({"code": "ok", "message": "x"}) + data({"code": 102, "message": "y"}) + answer()),
    Variant("an enum as the finish reason", words("Half") + end("FinishReason.MAX_TOKENS"), "Half", reason="length"),
    Variant(
        "lines of JSON with a pause behind the first",
        Paced((lines(TWO[0]), 1.7, lines(TWO[1])), "application/x-ndjson"),
    ),
    Variant(
        "lines of messages with a pause behind the first",
        Paced((lines(message("There are ")), 1.7, lines(message("**42** orders.", "stop"))), "application/x-ndjson"),
    ),
    Variant("lines of messages that are cut", Said(lines(message("There are "), message("**42** ")), content_type="application/x-ndjson"), "There are **42** ", error="model_unavailable"),
    Variant("a line that is a call and says no end", Said(lines({"choices": [{"message": {"tool_calls": [call(FIND, ORDER_7, call_id="a")]}}]}), content_type="application/x-ndjson"), "", (SEVEN,)),
    Variant(
        "a finish in each chunk, and pauses",
        Paced((event({"content": "There are "}, "stop"), 1.0, event({"content": "**42** "}, "stop"), 1.0,
               event({"content": "orders."}, "stop"), DONE)),
    ),
    Variant(
        "the rest of a call behind the finish",
        Paced((calling(call(FIND, '{"num', call_id="a")) + event({}, "tool_calls"), 1.0, calling(call(None, 'ber": ')), 1.0,
               calling(call(None, "7}")), DONE)),
        text="",
        calls=(SEVEN,),
    ),
]  # fmt: skip

BUSY = [
    Variant(f"{name} for longer than the first token may take", Paced(steps, kind), limits=BUSY_S)
    for name, kind, steps in (
        ("blank lines before a completion", "application/json", ((b"\n", 0.25) * 6) + (lines({"choices": [WHOLE]}),)),
        ("blank lines before a stream", "text/event-stream", ((b"\n\n", 0.25) * 6) + (answer(),)),
        (
            "blanks within a completion",
            "application/json",
            (b'{"object": "x",', *((b" ", 0.25) * 6), lines({"choices": [WHOLE]})[1:]),
        ),
        (
            "lines of JSON",
            "application/x-ndjson",
            (*(step for text in ANSWER[:-1] for step in (lines(chunk(text)), 0.08)), lines(chunk(".", "stop"))),
        ),
    )
]

WRONG: tuple[object, ...] = ("[]", [], "None", "undefined", "  \n")
CALLS = [
    called(
        "the arguments again in pieces",
        calling(call(FIND, ORDER_7, call_id="a")), calling(call(None, '{"num')), calling(call(None, 'ber": 7}')),
    ),
    called(
        "the call again in pieces",
        calling(call(FIND, ORDER_7, call_id="a")), calling(call(FIND, '{"num', call_id="a")),
        calling(call(None, 'ber": 7}')),
    ),
    called(
        "the call again under another index",
        calling(call(FIND, ORDER_7, call_id="a")), calling(call(FIND, ORDER_7, index=1, call_id="a")),
    ),
    called("the same twice under two ids", calling(call(FIND, ORDER_7, call_id="a")),
           calling(call(FIND, ORDER_7, index=1, call_id="b")), calls=(SEVEN, SEVEN)),
    called("the arguments of two calls in one", calling(call(FIND, ORDER_7 + ORDER_8, call_id="a")), calls=(SEVEN, EIGHT)),
    called(
        "the arguments of two calls cut between them",
        calling(call(FIND, ORDER_7[:-1], call_id="a")), calling(call(None, "}{")), calling(call(None, ORDER_8[1:])),
        calls=(SEVEN, EIGHT),
    ),
    called("an object twice in one text", calling(call(FIND, ORDER_7 * 2, call_id="a"))),
    called("an empty object glued before", calling(call(FIND, "{}{", call_id="a")), calling(call(None, ORDER_7[1:]))),
    called("both forms of a call, in pieces",
           event({"tool_calls": [call(FIND, '{"num', call_id="a")], "function_call": {"name": FIND, "arguments": '{"num'}}),
           event({"tool_calls": [call(None, 'ber": 7}')], "function_call": {"arguments": 'ber": 7}'}})),
    *(
        called(f"arguments as {wrong}", calling(call(COUNT, wrong, call_id="a")), calls=(COUNTED,))
        for wrong in WRONG
    ),
    *(
        called(f"{name} around the arguments", calling(call(FIND, f"{before}{ORDER_7}{behind}", call_id="a")))
        for name, before, behind in (
            ("a token", "", "<|tool_call_end|>"), ("a tag", "", "\n</tool_call>"), ("a fence", "```json\n", "\n```"),
        )
    ),
    called("words around the arguments", calling(call(FIND, f"{ORDER_7} or so", call_id="a")), calls=((FIND, None),)),
    called("a line break in a text", calling(call(CREATE, '{"item": "a\nb"}', call_id="a")), calls=((CREATE, {"item": "a\nb"}),)),
    called("halves of a character", calling(OPENED), *(half + b"\n\n" for half in HALVES), calls=((CREATE, {"item": "😀"}),)),
    called("arguments under another name", calling({"id": "a", "function": {"name": FIND, "parameters": {"number": 7}}})),
    *(
        called(name, calling({"id": "a", **said}))
        for name, said in (
            ("a function's name alone, and its arguments beside", {"function": FIND, "arguments": ORDER_7}),
            ("arguments beside the function", {"function": {"name": FIND}, "arguments": ORDER_7}),
            ("arguments beside a function that has them empty", {"function": {"name": FIND, "arguments": ""}, "parameters": {"number": 7}}),
            ("arguments beside others that are empty", {"function": {"name": FIND, "arguments": {}, "parameters": {"number": 7}}}),
            ("the name beside the function", {"name": FIND, "function": {"arguments": ORDER_7}}),
        )
    ),
    *(
        called(f"a number of 20 digits in {name}", calling(call(FIND, arguments, call_id="a")), calls=((FIND, None),))
        for name, arguments in (("a text", f'{{"number": {MANY}}}'), ("an object", orjson.Fragment(f'{{"number": {MANY}}}')))
    ),
    *(
        called(f"arguments that are nested {depth} deep, as an object",
               calling(call(FIND, orjson.Fragment('{"a":' * depth + "1" + "}" * depth), call_id="a")), calls=((FIND, None),))
        for depth in (300, 950)
    ),
    called("a name that grows from another tool's", calling(call("find", None, call_id="a")), calling(call(FIND, ORDER_7, call_id="a")),
           calls=(SEVEN,)),
    called("a flat call with its input", calling({"id": "a", "name": FIND, "input": {"number": 7}})),
    called("ids and indexes that are numbers", calling(call(FIND, '{"num', index=0.0, call_id=1)),
           calling(call(FIND, '{"num', index=0.0, call_id=2)), calling(call(None, 'ber": 7}', index=0.0, call_id=1)),
           calling(call(None, 'ber": 8}', index=0.0, call_id=2)), calls=(SEVEN, EIGHT)),
    *(
        called(f"the name as {name}", calling(call(name, ORDER_7, call_id="a")))
        for name in ("Find_Order", "findOrder", "find-order", "find_order()", '"find_order"', "default_api::find_order",
                     "assistant<|channel|>commentary to=functions.find_order")
    ),
    *(
        called(f"the name as {name}, which is none", calling(call(name, ORDER_7, call_id="a")), calls=((meant, {"number": 7}),))
        for name, meant in (("create_order.preview", "create_order_preview"), ("find_orders", "find_orders"), ("()", "__"))
    ),
    called(
        "calls that a model wrapped into one",
        calling(call("multi_tool_use.parallel", {"tool_uses": [
            {"recipient_name": f"functions.{FIND}", "parameters": {"number": 7}},
            {"recipient_name": COUNT, "parameters": {}}, {"recipient_name": FIND, "parameters": [1]}]}, call_id="a")),
        calls=(SEVEN, COUNTED, (FIND, None)),
    ),
    called(
        "calls that a model wrapped into one under other names",
        calling(call("multi_tool_use.parallel", {"tool_uses": [
            {"recipient_name": FIND, "arguments": {"number": 7}}, {"name": FIND, "parameters": '{"number": 8}'},
            {"tool": CREATE, "item": "tea"}]}, call_id="a")),
        calls=(SEVEN, EIGHT, (CREATE, {"item": "tea"})),
    ),
    called(
        "calls that a model wrapped into one, of which one is of no tool",
        calling(call("multi_tool_use.parallel", {"tool_uses": [{"recipient_name": FIND, "parameters": {"number": 7}}, {}]}, call_id="a")),
        calls=(("multi_tool_use_parallel", {"tool_uses": [{"recipient_name": FIND, "parameters": {"number": 7}}, {}]}),),
    ),
    called("objects that are alike in Python alone", calling(call(FIND, '{"number": 1}{"number": true}', call_id="a")),
           calls=((FIND, {"number": 1}), (FIND, {"number": True}))),
]  # fmt: skip

WRITE = calling(call(CREATE, '{"item": "tea"}', call_id="a"))
WRITTEN = ((CREATE, {"item": "tea"}),)
ENDS = [
    *(
        Variant(f"a write behind {reason}", WRITE + end(reason), "", WRITTEN, reason="length")
        for reason in ("ERROR_LIMIT", "time_limit", "max_new_tokens", "FinishReason.LENGTH", "MaxTokens", "max_tokens_reached",
                       "output_token_limit", "context_length", "Truncated")
    ),
    *(
        Variant(f"a write behind {reason}", WRITE + end(reason), "", error="model_refused")
        for reason in ("ERROR_TOXIC", "IMAGE_PROHIBITED_CONTENT", "guardrail", "policy_violation", "LANGUAGE", "blocked",
                       "ContentFiltered", "SAFETY_FILTER", "input_moderation")
    ),
    *(
        Variant(f"a write behind {reason}", WRITE + end(reason), "", error="model_unavailable")
        for reason in ("malformed_tool_use", "malformed_model_output", "MALFORMED_RESPONSE", "TOO_MANY_TOOL_CALLS", "user_cancel",
                       "timeout", "exception", "overloaded", "MISSING_THOUGHT_SIGNATURE")
    ),
]  # fmt: skip

THINKING = [
    *(
        Variant(f"thinking between {opening}", words(f"{opening}{THINK}{closing}{ANSWER}", pieces=13) + end(), reasoning=THINK)
        for opening, closing in (
            ("<seed:think>", "</seed:think>"), ("<mm:think>", "</mm:think>"), ("<reason>", "</reason>"),
            ("<|START_THINKING|>", "<|END_THINKING|>"), ("<|begin_of_thought|>", "<|end_of_thought|>"),
            ("<|start|>assistant<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
        )
    ),
    *(
        Variant(name, words(text + ANSWER, pieces=9) + end(), reasoning=reasoning)
        for name, text, reasoning in (
            ("tags within tags", "<think>a<think>b</think>c</think>", "a<think>bc"),
            ("thinking that speaks of its tag", "<think>I write <think> here.</think>", "I write <think> here."),
            ("two blocks", "<think>a</think>\n\n<think>b</think>\n", "ab"),
            ("closed twice", "<think>a</think>\n</think>\n\n", "a"),
        )
    ),
    *(
        Variant(f"thinking in {name}", event(delta) + answer(), reasoning=THINK)
        for name, delta in {
            "an object": {"reasoning": {"content": THINK}},
            "blocks": {"reasoning_content": [{"type": "text", "text": THINK}]},
            "signed blocks alone": {"thinking_blocks": [{"type": "thinking", "thinking": THINK, "signature": None}]},
            "a summary without a text": {"reasoning_details": [{"type": "reasoning.summary", "text": None, "summary": THINK}]},
        }.items()
    ),
]  # fmt: skip

MADE = calling(call(COUNT, "{}", call_id="a")) + end("tool_calls")


def thought(*blocks: dict[str, Any], field: str = "thinking_blocks") -> bytes:
    """Return events with a block each."""
    return b"".join(event({field: [block]}) for block in blocks)


KEPT = [
    Variant(name, said + MADE, "", (COUNTED,), extras=extras)
    for name, said, extras in (
        (
            "signed blocks in pieces without an index",
            thought(
                {"type": "thinking", "thinking": "Hm, "}, {"type": "thinking", "thinking": "well."},
                {"type": "thinking", "thinking": "", "signature": "S1"}, {"type": "redacted_thinking", "data": "ENC"},
                {"type": "thinking", "thinking": "So", "signature": None}, {"type": "thinking", "thinking": ".", "signature": "S2"},
            ),
            {"thinking_blocks": [{"type": "thinking", "thinking": "Hm, well.", "signature": "S1"}, {"type": "redacted_thinking", "data": "ENC"},
                                 {"type": "thinking", "thinking": "So.", "signature": "S2"}]},
        ),
        (
            "details in pieces without an index",
            thought({"type": "reasoning.text", "text": "a"}, {"type": "reasoning.text", "text": "b", "signature": "S"},
                    {"type": "reasoning.encrypted", "data": "x"}, {"type": "reasoning.encrypted", "data": "y"}, field="reasoning_details"),
            {"reasoning_details": [{"type": "reasoning.text", "text": "ab", "signature": "S"}, {"type": "reasoning.encrypted", "data": "x"},
                                   {"type": "reasoning.encrypted", "data": "y"}]},
        ),
        (
            "a provider's own field in two chunks",
            event({"content": "", "extra_content": {"google": {"thought_signature": "S"}}}) + event({"extra_content": {"google": {"x": 1}}})
            + event({"extra_content": {"google": {"thought": True}}}),
            {"extra_content": {"google": {"thought_signature": "S", "x": 1}}},
        ),
    )
]  # fmt: skip

USAGE = [
    Variant(name, words() + FINISHED + data({"choices": [], "usage": counts}) + DONE, usage=counted)
    for name, counts, counted in (
        ("counts as words", {"prompt_tokens": "7", "completion_tokens": "8"}, (7, 8)),
        ("a prompt of nothing, and a total", {"prompt_tokens": 0, "completion_tokens": 8, "total_tokens": 15}, (7, 8)),
        ("a prompt and a total", {"prompt_tokens": 7, "total_tokens": 15}, (7, 8)),
        ("an answer and a total", {"completion_tokens": 8, "total_tokens": 15}, (7, 8)),
        ("thinking beside the answer", {"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 135,
                                        "completion_tokens_details": {"reasoning_tokens": 94}}, (32, 103)),
        ("thinking within the answer", {"prompt_tokens": 32, "completion_tokens": 103, "total_tokens": 135,
                                        "completion_tokens_details": {"reasoning_tokens": 94}}, (32, 103)),
        ("thinking in the total alone", {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 36}, (9, 27)),
        ("a total of more than these", {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 36, "cache_read_input_tokens": 26}, (9, 1)),
        ("a total that is none", {"prompt_tokens": 7, "completion_tokens": 8, "total_tokens": -1}, (7, 8)),
    )
] + [
    Variant("totals while it streams", b"".join(data(chunk(text, usage={"prompt_tokens": 100, "completion_tokens": n, "total_tokens": 100 + n}))
            for n, text in enumerate(("There are ", "**42** ", "orders."), 1)) + end(), usage=(100, 3)),
    Variant("usage a second behind the finish", Paced((words() + FINISHED, 1.0, usage(7, 8) + DONE)), usage=(7, 8)),
]  # fmt: skip

REFUSED = orjson.dumps({"error": {"code": "context_length_exceeded", "message": "x"}})
CARRIED = [
    Variant("a header of 20 KB", Said(answer(), headers={"X-Big": "x" * 20_000})),
    Variant("300 headers", Said(answer(), headers={f"X-{n}": "x" for n in range(300)})),
    Variant(
        "a refusal in pieces",
        Paced((REFUSED[:20], 0.05, REFUSED[20:30], 0.05, REFUSED[30:]), "application/json", 400), "", error="context_too_long",
    ),
    Variant("a refusal that never ends", Paced((REFUSED, 4.0), "application/json", 400), "", error="context_too_long"),
    *(
        Variant(f"{kind} that is none in its encoding", Said(answer(), headers={"Content-Encoding": coding}), "", error="model_unavailable")
        for kind, coding in (("a stream", "gzip"), ("another stream", "deflate"))
    ),
    Variant("a refusal that is none in its encoding", Said(REFUSED, status=400, headers={"Content-Encoding": "gzip"}), "", error="model_refused"),
    Variant("a refusal of lists in lists", Said(b"[" * 900 + b"]" * 900, status=400), "", error="model_refused"),
    Variant("an event of lists in lists", b'data: {"choices":[{"delta":{"content":"x"}}],"x":' + b"[" * 9000 + b"]" * 9000 + b"}\n\n" + DONE, "",
            error="model_unavailable"),
    Variant("a thousand tags that an answer speaks of", words("`<think>` " * 1000, pieces=1) + end(), "`<think>` " * 1000),
    Variant("an index of many digits", data({"choices": [{"index": "9" * 5000, "delta": {"content": ANSWER}}]}) + end()),
    Variant("a refusal of a megabyte", Paced((b'{"a": "' + b"x" * 10**6,), "application/json", 429), "", error="model_rate_limited"),
]  # fmt: skip

VARIANTS = [*SHAPES, *CALLS, *ENDS, *THINKING, *KEPT, *USAGE, *CARRIED]
