"""Answers as Markdown, while they grow: what is settled stays, what is half written does not flash, nothing takes long."""

from itertools import pairwise

import pytest
from playwright.async_api import Page, Route
from support.embedding import Meter

SHOW = "text => { const { view } = probe.markdown(); view.update(text, true); return view; }"
PROSE = "Some **bold** and *fine* text, `code`, ~~gone~~ and [a link](https://docs.example.com/a) that goes on."
DOCUMENTS = {
    "prose": f"{PROSE}\n\n{PROSE}",
    "headings": "# One\n\ntext\n\nTwo\n---\n\nmore\n\n### Three\ntext",
    "lists": "- a\n- b\n  - c\n\n    d\n- e\n\n1. one\n2. two\n\n* [ ] open\n* [x] done\n",
    "table": "Before:\n\n| a | b |\n|:--|--:|\n| 1 | **2** |\n| 3<br>4 | `|` |\n\nafter",
    "code": 'Look:\n\n```python\nprint("<b>")\n\n# not a heading\n```\n\n    indented\n\n~~~\n```\n~~~\nend',
    "references": "See [one] and [two][x].\n\n[one]: https://docs.example.com/1\n\ntext [constructor] [__proto__]\n\n[x]: /two",
    "quote": "> a\n> - b\n>\n> c\n\nd\n***\ne",
    "line ends": "a\r\nb\r\n\r\n- c\r\n- d\r\re",
    "tags": "a <b>b</b> <script>c</script> <!-- d --> <br> e\n\n<div>\n\nf\n\n</div>",
    "scripts": "مرحبا **بك**\n\n你好 *世界*\n\n🙂 `🙂` 👩‍👩‍👧",
    "unclosed": "a **b `c [d](e\n\n```\nf",
    "formulas": "So \\(a_1*b\\):\n\\[\nx\n= y\n\n- z\n\\]\n$$ a\n- b $$\n\ncosts $5 and $10\n$$\nx_1",
    "asian": "**该用户。**这是**「重要」**です。\n\n- **참고:**이것",
    "nested": "1. one\n  - two\n    - three\n2. four\n\n  five\n\n  ```\n  six\n  ```\n\n> 1. a\n>   - b\n",
}


async def shown(probe: Page, text: str) -> str:
    """Return the HTML of the one block of a text."""
    html = f"text => ({SHOW})(text).element.querySelector('.block').innerHTML.trim()"
    return str(await probe.evaluate(html, text))


@pytest.mark.parametrize("name", DOCUMENTS)
async def test_text_in_any_two_pieces_or_letter_by_letter_ends_as_the_whole_text_does(probe: Page, name: str) -> None:
    different = await probe.evaluate(
        """async text => {
            const drawn = async (view) => {
                while (view.element.ariaBusy === "true") await new Promise((resolve) => setTimeout(resolve));
                return view.element.innerHTML;
            };
            const whole = probe.markdown().view;
            whole.update(text, true);
            const html = await drawn(whole);
            const letters = probe.markdown().view;
            const different = [];
            for (let cut = 0; cut <= text.length; cut++) {
                const pieces = probe.markdown().view;
                pieces.update(text.slice(0, cut), false);
                pieces.update(text, true);
                if (await drawn(pieces) !== html) different.push([cut, pieces.element.innerHTML, html]);
                letters.update(text.slice(0, cut), false);
            }
            letters.update(text, true);
            if (await drawn(letters) !== html) different.push(["letters", letters.element.innerHTML, html]);
            return different;
        }""",
        DOCUMENTS[name],
    )
    assert not different


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**该用户。**这是", "<p><strong>该用户。</strong>这是</p>"),
        ("これは**「重要」**です。", "<p>これは<strong>「重要」</strong>です。</p>"),
        ("**参考：**第*一。*章", "<p><strong>参考：</strong>第<em>一。</em>章</p>"),
        ("이것은 **중요!**입니다", "<p>이것은 <strong>중요!</strong>입니다</p>"),
        ("**(注)**は ~~「旧」~~です", "<p><strong>(注)</strong>は <s>「旧」</s>です</p>"),
        ("a * b * c, snake_case_name", "<p>a * b * c, snake_case_name</p>"),
    ],
)
async def test_emphasis_needs_no_spaces_where_a_script_has_none(probe: Page, text: str, html: str) -> None:
    assert await shown(probe, text) == html


@pytest.mark.parametrize(
    "formula",
    [r"\(a_1 + b_1\)", r"\[ E = mc^2 \]", r"$$\frac{a}{b}*c*d$$", "$x*y*z$", r"$\alpha$", r"\(n\)", r"\(f(x)\)", "$$\na_1\n= b_1\n\n- c\n$$", "\\[\n\\begin{aligned}\na &= b \\\\\n\\end{aligned}\n\\]"],
)  # fmt: skip
async def test_a_formula_stays_whole_and_is_drawn_where_the_page_says_how(probe: Page, formula: str) -> None:
    for text in (formula, f"So:\n{formula}\nthat is it.", f"- one:\n  {formula.replace(chr(10), chr(10) + '  ')}"):
        found = await probe.evaluate(
            """text => {
                const { view } = probe.markdown();
                view.update(text, true);
                const source = [...view.element.querySelectorAll("code")].map((code) => code.textContent);
                const drawn = probe.markdown((source, into, options) => {
                    into.textContent = `<${source}>`;
                    if (options.displayMode) into.append("!");
                }).view;
                drawn.update(text, true);
                return [source, drawn.element.querySelector("div.formula-block, span.formula").textContent];
            }""",
            text,
        )
        inner = formula.strip("$").removeprefix("\\(").removesuffix("\\)").removeprefix("\\[").removesuffix("\\]")
        mark = "!" if formula.startswith(("$$", "\\[")) else ""
        assert found == [[formula], f"<{inner.strip()}>{mark}"], text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("$5 and $10", "$5 and $10"),
        ("US$5 or 7$, $HOME/bin:$PATH", "US$5 or 7$, $HOME/bin:$PATH"),
        ("from $5/month to 10$ a day", "from $5/month to 10$ a day"),
        (r"a\[0\] \(see below\) \[x\]", "a[0] (see below) [x]"),
        ("$$ to $$$, Italian", "$$ to $$$, Italian"),
        ("`$a*b$` \\\\(a\\\\)", "$a*b$ \\(a\\)"),
    ],
)
async def test_money_and_brackets_are_no_formulas(probe: Page, text: str, words: str) -> None:
    assert (await probe.evaluate(f"text => ({SHOW})(text).element.textContent", text)).strip() == words
    assert "formula" not in await shown(probe, text)


async def test_a_renderer_that_fails_leaves_the_source(probe: Page) -> None:
    text = await probe.evaluate(
        """() => {
            const { view } = probe.markdown(() => { throw new Error("no"); });
            view.update("So \\\\(x_1\\\\).", true);
            return view.element.textContent.trim();
        }"""
    )
    assert text == "So \\(x_1\\)."


@pytest.mark.parametrize(
    ("text", "depths"),
    [
        ("1. a\n  - b\n  - c\n    - d\n2. e", {"a": 1, "b": 2, "c": 2, "d": 3, "e": 1}),
        ("10. a\n   - b\n  - c\n11. d", {"a": 1, "b": 2, "c": 2, "d": 1}),
        ("1. a\n  1. b\n  2. c\n2. d", {"a": 1, "b": 2, "c": 2, "d": 1}),
        ("*   a\n  * b\n    * c\n*   d", {"a": 1, "b": 2, "c": 3, "d": 1}),
        ("- a\n  - b\n- c", {"a": 1, "b": 2, "c": 1}),
        ("> 1. a\n>   - b\n> 2. c", {"a": 1, "b": 2, "c": 1}),
        ("1. a\n\n  - b\n\n2. c", {"a": 1, "b": 2, "c": 1}),
        ("- a\n - b\n- c", {"a": 1, "b": 1, "c": 1}),
    ],
)
async def test_lists_are_nested_by_two_spaces(probe: Page, text: str, depths: dict[str, int]) -> None:
    found = await probe.evaluate(
        f"""text => {{
            const view = ({SHOW})(text);
            return Object.fromEntries([...view.element.querySelectorAll("li")].map((item) => {{
                let depth = 0;
                for (let list = item; list; list = list.parentElement.closest("ol, ul")) depth += 1;
                return [item.textContent.trim()[0], depth - 1];
            }}));
        }}""",
        text,
    )
    assert found == depths


async def test_code_in_an_item_keeps_its_indents(probe: Page) -> None:
    text = "1. a\n  ```py\n  if x:\n      y\n  ```\n2. b\n\n```\n1. a\n  - b\n```"
    codes = await probe.evaluate(
        f"text => [...({SHOW})(text).element.querySelectorAll('pre')].map((pre) => pre.textContent)", text
    )
    assert codes == ["if x:\n    y\n", "1. a\n  - b\n"]


CUT = "Fish &amp; chips, AT&T, &lt;b&gt;<br>two<br/>\\*three\\*\n\n- [ ] one\n- [x] two\n\n1. three\n10. four"
"""Where it is cut, half a sign may be at the end."""


async def test_the_visible_text_only_ever_grows(probe: Page) -> None:
    shown = await probe.evaluate(
        """text => {
            const { view } = probe.markdown();
            const shown = [];
            for (let end = 1; end <= text.length; end++) {
                view.update(text.slice(0, end), end === text.length);
                shown.push(view.element.textContent);
            }
            return shown;
        }""",
        f"{PROSE}\n\n{PROSE}\n\n- {PROSE}\n- {PROSE}\n\n{CUT}\n",
    )
    assert shown[-1].startswith("Some bold and fine text, code, gone and a link that goes on.")
    for before, after in pairwise(shown):
        assert after.startswith(before.rstrip()), (before, after)


async def test_a_table_and_a_heading_appear_as_such_and_not_as_their_marks(probe: Page) -> None:
    texts = await probe.evaluate(
        """text => {
            const { view } = probe.markdown();
            const seen = new Set();
            for (let end = 1; end <= text.length; end++) {
                view.update(text.slice(0, end), false);
                for (const block of view.element.querySelectorAll("p, h3")) seen.add(block.textContent);
            }
            return [...seen];
        }""",
        "## Orders\n\n| Order | Total |\n|---|---:|\n| 1 | 2 |\n\nSo\n- one\n\n---\n\n```js\nlet a;\n```\n",
    )
    assert not [text for text in texts if set(text) & set("#|-`=")], texts


async def test_settled_blocks_and_the_parts_of_the_open_one_stay_the_same_elements(probe: Page) -> None:
    result = await probe.evaluate(
        """() => {
            const { view, settled } = probe.markdown();
            view.update("first **one**\\n\\n- a\\n- b", false);
            const before = [...view.element.querySelectorAll("p, strong, li")];
            view.update("first **one**\\n\\n- a\\n- b and\\n- c\\n\\nlast", false);
            const after = [...view.element.querySelectorAll("p, strong, li")];
            const kept = before.every((element) => after.includes(element));
            const soFar = settled.length;
            view.update("first **one**\\n\\n- a\\n- b and\\n- c\\n\\nlast", true);
            return [kept, soFar, settled.length, view.element.querySelectorAll(".block").length];
        }"""
    )
    assert result == [True, 2, 3, 3]


async def test_another_text_replaces_what_was_shown(probe: Page) -> None:
    text = await probe.evaluate(
        """() => {
            const { view } = probe.markdown();
            view.update("one\\n\\ntwo\\n\\nthr", false);
            view.update("One\\n\\ntwo", false);
            view.update("One\\n\\ntwo and", true);
            return view.element.innerText;
        }"""
    )
    assert text.split() == ["One", "two", "and"]


async def test_an_address_that_is_defined_late_changes_what_is_shown_at_once(probe: Page) -> None:
    """However long it takes to draw all again, nothing is taken away before."""
    shortest = await probe.evaluate(
        """async () => {
            const { view } = probe.markdown();
            const text = "A word about [one].\\n\\n".repeat(4000);
            let shortest = Infinity;
            view.update(text, false);
            while (view.element.ariaBusy === "true") await new Promise((resolve) => setTimeout(resolve));
            view.update(text + "[one]: https://docs.example.com/1", true);
            while (view.element.ariaBusy === "true") {
                shortest = Math.min(shortest, view.element.querySelectorAll("p").length);
                await new Promise((resolve) => setTimeout(resolve));
            }
            return [shortest, view.element.querySelectorAll("a").length];
        }"""
    )
    assert shortest == [4000, 4000]


async def test_a_text_cannot_dress_as_the_widget(probe: Page) -> None:
    html = await probe.evaluate(
        """() => {
            const place = document.createElement("div");
            place.append(probe.sanitise('<p class="approval" id="x" role="button" aria-label="y" data-id="z" tabindex="1">a</p>'));
            return place.innerHTML;
        }"""
    )
    assert html == "<p>a</p>"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://docs.example.com/a?b=c", "https://docs.example.com/a?b=c"),
        ("/orders/1", "{page}/orders/1"),
        ("orders", "{page}/orders"),
        ("/orders/1/lines", "{page}/orders/1/lines"),
        ("/search?q=tea", "{page}/search?q=tea"),
        ("/logout", None),
        ("/", None),
        ("/orders?next=//elsewhere.example", None),
        ("/orders#/logout", None),
        ("#/logout", None),
        ("/orders/../logout", None),
        ("/orders/%2e%2e/logout", None),
        ("/orders/..%2flogout", None),
        ("/orders/%252e%252e/logout", None),
        ("/orders/..;/logout", None),
        ("/orders/..\\logout", None),
        ("/orders//elsewhere.example", None),
        ("/orders/1;a=b", None),
        ("/ordersx", None),
        ("/Orders", None),
        ("mailto:ann@example.org?body=secret", "mailto:ann@example.org"),
        ("tel:+353855557777", "tel:+353855557777"),
        ("https://elsewhere.example/?secret", None),
        ("//elsewhere.example/", None),
        ("https://docs.example.com.elsewhere.example/", None),
        ("https://docs.example.com:8443/", None),
        ("https://ann:secret@docs.example.com/", None),
        ("http://docs.example.com/", None),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("blob:{page}/1", None),
        ("ftp://docs.example.com/", None),
    ],
)
async def test_a_link_leads_only_where_the_page_allows(probe: Page, address: str, shown: str | None) -> None:
    """G30: links lead where the page has said."""
    page = await probe.evaluate("location.origin")
    found = await probe.evaluate(
        """address => {
            const fragment = probe.sanitise(`<a href="${address}">label</a>`);
            const link = fragment.querySelector("a");
            return { href: link?.getAttribute("href"), rel: link?.rel, target: link?.target, text: fragment.textContent };
        }""",
        address.replace("{page}", page),
    )
    if shown is None:
        assert found["href"] is None
        assert found["text"] == f"label ({address.replace('{page}', page)})"
    else:
        assert found["href"] == shown.replace("{page}", page)
        own = found["href"].startswith(page)
        assert (found["target"], found["rel"]) == (("", "") if own else ("_blank", "noopener noreferrer nofollow"))


@pytest.mark.parametrize("address", ["https://docs.example.com/a", "/orders", "mailto:ann@example.org", "tel:1"])
async def test_a_page_can_have_no_links_at_all(probe: Page, address: str) -> None:
    """G30: `link-hosts="none"`, whatever else is named."""
    found = await probe.evaluate(
        """address => {
            const hosts = ["none", "docs.example.com", "mailto:", "tel:"];
            const fragment = probe.sanitiseUnder({ linkHosts: hosts }, `<a href="${address}">label</a>`);
            return [fragment.querySelector("a") === null, fragment.textContent];
        }""",
        address,
    )
    assert found == [True, f"label ({address})"]


async def test_a_picture_is_fetched_from_named_hosts_only(probe: Page) -> None:
    """G30: pictures come from where the page has said."""
    asked: list[str] = []

    async def note(route: Route) -> None:
        asked.append(route.request.url)
        await route.abort()

    await probe.route("**/*", note)
    text = await probe.evaluate(
        """() => {
            const { view } = probe.markdown();
            const hosts = ["https://elsewhere.example/?secret", "/logout", "//elsewhere.example/b", "https://pictures.example.com/a.png"];
            const text = hosts.map((host, at) => `![picture ${at}](${host})`).join("\\n\\n");
            for (let end = 1; end <= text.length; end++) view.update(text.slice(0, end), end === text.length);
            view.element.scrollIntoView();
            return view.element.textContent;
        }"""
    )
    await probe.wait_for_function("[...document.images].every((image) => image.complete)")
    await probe.unroute("**/*", note)
    assert asked == ["https://pictures.example.com/a.png"]
    assert text.split("\n") == ["picture 0", "picture 1", "picture 2", "", ""]


async def test_a_block_of_any_length_is_shown_whole(probe: Page) -> None:
    lengths = await probe.evaluate(
        """async () => {
            const show = async (text) => {
                const { view } = probe.markdown();
                view.update(text, true);
                while (view.element.ariaBusy === "true") await new Promise((resolve) => setTimeout(resolve));
                return view.element;
            };
            const words = await show("word ".repeat(20000));
            const rows = await show("| a | b |\\n|---|---|\\n" + "| 1 | 2 |\\n".repeat(9000));
            const code = await show("```js\\n" + "let a = 1;\\n".repeat(9000) + "```\\nend");
            const letters = await show("x".repeat(50000));
            return [
                words.textContent.match(/word/g).length,
                rows.querySelectorAll("tbody tr").length,
                [...code.querySelectorAll("pre")].map((pre) => pre.textContent).join("").match(/let a = 1;/g).length,
                code.querySelectorAll("p").length,
                letters.textContent.match(/x/g).length,
            ];
        }"""
    )
    assert lengths == [20000, 9000, 9000, 1, 50000]


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    "piece",
    ["**a ", "*a_ ", "[", "![", "[a](", "<", "> ", "> - 1. ", "`a``", "~~a ", "_a__b___", "a-", "&#x", "http://a.b/(", "\t- \n", "a\n=\n", "| ", "[a]: \"\n", "- a\n  ", "\\(", "\\(" * 900 + "\\) ", "a \\[ ", "\\(a\\)", "$$a", "$x", "\\[\n", "\n\n\\[ a\n", "1. a\n  ", "**。"],
)  # fmt: skip
async def test_no_text_takes_long(probe: Page, piece: str) -> None:
    """Sixty thousand characters of what makes parsers slow, in three pieces, each drawn as the open end."""
    meter = await Meter.of(probe)
    await probe.evaluate(
        """async (text) => {
            const { view } = probe.markdown();
            for (let end = 20000; end <= text.length; end += 20000) {
                view.update(text.slice(0, end), false);
                while (view.element.ariaBusy === "true") await new Promise((resolve) => setTimeout(resolve));
            }
            view.element.remove();
        }""",
        (piece * (60_000 // len(piece))).rstrip() + "**",
    )
    assert await meter.busy_s() < 2


async def test_however_deep_an_answer_is_nested_no_word_of_it_is_lost(probe: Page) -> None:
    """G624"""
    lists = "\n".join(f"{'  ' * level}- level {level}." for level in range(30))
    for deep in (lists, f"{'> ' * 40}quoted", "> - " * 20 + "both"):
        text, words = await probe.evaluate(
            f"text => {{ const {{ element }} = ({SHOW})(text); return [element.textContent, element.innerText]; }}",
            f"{deep}\n\nThe **end**.",
        )
        assert text.rstrip().endswith("The end."), words
        assert deep is not lists or all(f"level {level}." in text for level in range(30))


async def test_numbers_stand_below_each_other_and_have_room_in_front_of_a_list(probe: Page) -> None:
    text = (
        "| Month | Net | Share | Note | Own |\n|---|---|---|---|:--|\n| Jan | €1,234.50 | 12 % | 3 | 1 |\n"
        "| Feb | −5 | – | two | 2 |\n\n2024. was\n2025. is\n\ntext\n\n7. seven\n"
    )
    found = await probe.evaluate(
        f"""text => {{
            const {{ element }} = ({SHOW})(text);
            const cells = [...element.querySelector("tbody tr").cells].map((cell) => cell.getAttribute("align"));
            return [cells, [...element.querySelectorAll("ol")].map((list) => list.className)];
        }}""",
        text,
    )
    assert found == [[None, "right", "right", None, "left"], ["digits-4", ""]]
