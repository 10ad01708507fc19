"""Sources that providers cite, in the form of each, and what of them gets past the door."""

from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.citing_tools import HOSTILE
from support.each import each
from support.replies import ask, chunk, scripted

from agent.models.completion import CompletionReader
from agent.models.delta import Delta
from agent.models.sources import SNIPPET_CHARACTERS, TITLE_CHARACTERS, URL_CHARACTERS, read_source, read_url

END = chunk(response_metadata={"finish_reason": "stop"})


def cited(*events: bytes) -> list[tuple[str, str, str]]:
    """Return what a stream of chat-completion events cites, each time that it does."""
    pieces = [piece for event in events for piece in CompletionReader().read([event])]
    found = [read_source(one) for piece in pieces if isinstance(piece, Delta) for one in piece.cited]
    return [(one.title, one.url, one.snippet) for one in found if one is not None]


@pytest.mark.parametrize("url", HOSTILE)
def test_what_is_no_plain_address_of_the_web_is_no_source(url: str) -> None:
    """G520"""
    assert read_url(url) is None
    assert read_source({"url": url, "title": "A title"}) is None


@given(st.text(max_size=60), st.text(max_size=900), st.text(max_size=30))
def test_whatever_is_said_of_a_source_is_one_short_line_and_plain(host: str, text: str, query: str) -> None:
    """G520: for any text."""
    source = read_source({"url": f"https://{host}.example.com/?q={query}", "title": text, "snippet": text})
    if source is None:
        return
    assert len(source.url) <= URL_CHARACTERS
    assert source.url.isprintable()
    assert source.url.startswith("https://")
    assert len(source.title) <= TITLE_CHARACTERS
    assert len(source.snippet) <= SNIPPET_CHARACTERS
    for said in (source.title, source.snippet):
        steering = [sign for sign in said if category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
        assert set(steering) <= {"\u200c", "\u200d"}, said


def test_an_address_is_the_same_however_it_is_written_and_loses_what_is_a_secret_by_its_name() -> None:
    """G520 G521"""
    same = [
        "https://example.com",
        "HTTPS://EXAMPLE.com:443/",
        "https://example.com/?access_token=abc",
        "https://example.com/?sig=1",
    ]
    assert {source.id for url in same if (source := read_source(url))} == {getattr(read_source(same[0]), "id", None)}
    assert (
        read_url("https://bücher.example/ü?a=1&X-Amz-Signature=2#page=3")
        == "https://xn--bcher-kva.example/ü?a=1#page=3"
    )
    assert getattr(read_source("https://example.com/a"), "title", None) == "example.com"


@each(
    "where",
    [
        "?a=1;token=SECRET",
        "?a=1&x=2#a=1&access_token=SECRET",
        "#/back?a=1&id_token=SECRET",
        ";jsessionid=SECRET/b?a=1",
        "&token=SECRET/b?a=1",
        "/token=SECRET?a=1",
        "?a=1&next=https%3A%2F%2Fb.example%2F%3Ftoken%3DSECRET",
        "?a=1&next=%252F%253Ftoken%253DSECRET",
        "?a=1&%2574oken=SECRET",
        f"?a=1&next={'%25' * 20}3Ftoken%3DSECRET",
        "?a=1&state=security_token%3DSECRET%26url%3Db",
        "?a=1&b=1,sig=SECRET",
        "/https%3A%2F%2Fb.example%2F%3Ftoken%3DSECRET?a=1",
        ";next=%2Fb%3Fsig%3DSECRET?a=1",
        "%3Btoken%253DSECRET?a=1",
        "?a=1&b[sig]=SECRET",
        "?a=1&b%5Bc%5D%5Bpin%5D=SECRET",
        "?a=1&user.pwd=SECRET",
        ";b[key]=SECRET?a=1",
        "?a=1&next=%2F%3Fb%5Bsig%5D%3DSECRET",
        "?a=1&state=%7B%22id%22%3A1%2C%22token%22%3A%22SECRET%22%7D",
    ],
)
def test_a_secret_by_its_name_is_in_no_part_of_an_address(where: str) -> None:
    """G588: whichever sign stands in front of it, and however it is encoded."""
    read = read_url(f"https://example.com/a{where}")
    assert read is not None
    assert "SECRET" not in read
    assert "a=1" in read
    assert read_url(read) == read
    assert (
        read_url("https://example.com/?sort[monkey]=1&pages=[2]#keyed")
        == "https://example.com/?sort[monkey]=1&pages=[2]#keyed"
    )


def test_the_forms_of_openai_and_of_those_who_speak_like_it_are_read() -> None:
    annotation = b'{"type":"url_citation","url_citation":{"url":"https://a.example/1","title":"One","start_index":0,"end_index":2}}'
    assert cited(
        b'{"choices":[{"index":0,"delta":{"content":"","annotations":[' + annotation + b"]}}]}",
        b'{"object":"chat.completion","choices":[{"message":{"content":"Hi.","annotations":[' + annotation + b"]}}]}",
        b'{"choices":[{"delta":{"role":"assistant","context":{"citations":[{"title":"Two","url":"https://b.example/","content":"Text."}]}}}]}',
    ) == [("One", "https://a.example/1", "")] * 2 + [("Two", "https://b.example/", "Text.")]


def test_what_perplexity_and_xai_say_beside_the_choices_is_read_also_where_it_stands_with_plain_text() -> None:
    results = b'"search_results":[{"title":"One","url":"https://a.example/","snippet":"Text.","date":"2026-01-01"}]'
    plain = (
        b'{"choices":[{"index":0,"delta":{"content":"Hi"}}],'
        + results
        + b',"citations":["https://a.example/","https://b.example/"]}'
    )
    addresses = b'{"choices":[],"citations":["https://c.example/"]}'
    assert cited(plain, addresses) == [
        ("One", "https://a.example/", "Text."),
        ("a.example", "https://a.example/", ""),
        ("b.example", "https://b.example/", ""),
        ("c.example", "https://c.example/", ""),
    ]
    reader = CompletionReader()
    assert [len(one.cited) for one in reader.read([plain] * 3) if isinstance(one, Delta)] == [3, 0, 0]


async def test_the_forms_of_langchains_packages_are_read_and_each_address_once() -> None:
    """G521"""
    web = {"type": "web_search_result_location", "url": "https://a.example/", "title": "One", "cited_text": "Text."}
    place = {"title": "Two", "location": {"web": {"url": "https://b.example/", "domain": "b.example"}}}
    grounding = {
        "grounding_chunks": [{"web": {"uri": "https://c.example/", "title": "Three"}, "maps": None}],
        "grounding_supports": [{"segment": {"text": "Said."}, "grounding_chunk_indices": [0]}],
    }
    heard = await ask(
        scripted(
            chunk([{"type": "text", "text": "Yes", "citations": [web], "index": 0}]),
            chunk([{"type": "text", "text": ".", "citations": [web, place], "index": 0}]),
            chunk(
                [
                    {
                        "type": "text",
                        "text": "",
                        "annotations": [{"type": "citation", "url": "https://d.example/", "title": "Four"}],
                    }
                ]
            ),
            chunk(response_metadata={"grounding_metadata": grounding}),
            chunk(
                additional_kwargs={
                    "search_results": [{"title": "Five", "url": "https://e.example/"}],
                    "citations": ["https://e.example/"],
                }
            ),
            END,
        )
    )
    assert [(one.title, one.url, one.snippet) for one in heard.reply.sources.values()] == [
        ("One", "https://a.example/", "Text."),
        ("Two", "https://b.example/", ""),
        ("Four", "https://d.example/", ""),
        ("Three", "https://c.example/", "Said."),
        ("Five", "https://e.example/", ""),
    ]
    assert heard.reply.text == "Yes."
