"""Values in paths, queries and headers: the tables of the specification, and what has to be refused."""

import pytest
from support.backend import TenantBackend
from support.each import each
from support.operations import COLOR, INTEGER, TEXT, TEXTS, operation, read_request

from agent.errors import ToolError
from tools.backends.backend import BackendSession
from tools.openapi.call import call_operation
from tools.openapi.operation import Parameter, Place
from tools.openapi.request import request_of

ARRAY = ["blue", "black", "brown"]
OBJECT = {"R": 100, "G": 200, "B": 150}

PATHS = [
    ("matrix", False, "", ";color"),
    ("matrix", False, "blue", ";color=blue"),
    ("matrix", False, ARRAY, ";color=blue,black,brown"),
    ("matrix", False, OBJECT, ";color=R,100,G,200,B,150"),
    ("matrix", True, "", ";color"),
    ("matrix", True, "blue", ";color=blue"),
    ("matrix", True, ARRAY, ";color=blue;color=black;color=brown"),
    ("matrix", True, OBJECT, ";R=100;G=200;B=150"),
    ("label", False, "blue", ".blue"),
    ("label", False, ARRAY, ".blue,black,brown"),
    ("label", False, OBJECT, ".R,100,G,200,B,150"),
    ("label", True, "blue", ".blue"),
    ("label", True, ARRAY, ".blue.black.brown"),
    ("label", True, OBJECT, ".R=100.G=200.B=150"),
    ("simple", False, "blue", "blue"),
    ("simple", False, ARRAY, "blue,black,brown"),
    ("simple", False, OBJECT, "R,100,G,200,B,150"),
    ("simple", True, "blue", "blue"),
    ("simple", True, ARRAY, "blue,black,brown"),
    ("simple", True, OBJECT, "R=100,G=200,B=150"),
    ("simple", False, "blue black", "blue%20black"),
    ("simple", False, "a,b", "a%2Cb"),
    ("simple", False, ["a,b", "c"], "a%2Cb,c"),
    ("simple", False, "ä;b=c?d#e", "%C3%A4%3Bb%3Dc%3Fd%23e"),
    ("matrix", True, ["a;b", "c=d"], ";color=a%3Bb;color=c%3Dd"),
    ("simple", False, 7, "7"),
    ("simple", False, -7.5, "-7.5"),
    ("simple", False, True, "true"),
    ("label", False, 7, ".7"),
    ("matrix", False, 7, ";color=7"),
]
QUERIES = [
    ("form", False, "", "color="),
    ("form", False, "blue", "color=blue"),
    ("form", False, ARRAY, "color=blue,black,brown"),
    ("form", False, OBJECT, "color=R,100,G,200,B,150"),
    ("form", True, "", "color="),
    ("form", True, "blue", "color=blue"),
    ("form", True, ARRAY, "color=blue&color=black&color=brown"),
    ("form", True, OBJECT, "R=100&G=200&B=150"),
    ("spaceDelimited", False, ARRAY, "color=blue%20black%20brown"),
    ("spaceDelimited", False, OBJECT, "color=R%20100%20G%20200%20B%20150"),
    ("spaceDelimited", True, ARRAY, "color=blue&color=black&color=brown"),
    ("pipeDelimited", False, ARRAY, "color=blue%7Cblack%7Cbrown"),
    ("pipeDelimited", False, OBJECT, "color=R%7C100%7CG%7C200%7CB%7C150"),
    ("pipeDelimited", True, ARRAY, "color=blue&color=black&color=brown"),
    ("deepObject", True, OBJECT, "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150"),
    ("deepObject", False, OBJECT, "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150"),
    ("deepObject", True, ARRAY, "color%5B%5D=blue&color%5B%5D=black&color%5B%5D=brown"),
    ("deepObject", True, "blue", "color=blue"),
    ("deepObject", True, {"a": {"b": {"c": 1}}}, "color%5Ba%5D%5Bb%5D%5Bc%5D=1"),
    ("deepObject", True, {"a": [1, 2]}, "color%5Ba%5D%5B%5D=1&color%5Ba%5D%5B%5D=2"),
    (
        "deepObject",
        True,
        [{"a": 1, "b": 2}, {"a": 3}],
        "color%5B0%5D%5Ba%5D=1&color%5B0%5D%5Bb%5D=2&color%5B1%5D%5Ba%5D=3",
    ),
    ("deepObject", True, {"a": None}, "color%5Ba%5D="),
    ("deepObject", True, {"__proto__": 1}, "color%5B__proto__%5D=1"),
    ("form", True, [], ""),
    ("form", False, [], ""),
    ("form", True, {}, ""),
    ("deepObject", True, {}, ""),
    ("form", True, None, ""),
    ("form", True, ["a", None, "b"], "color=a&color=b"),
    ("form", False, {"a": None, "b": 1}, "color=b,1"),
    ("form", False, ["a,b", "c"], "color=a%2Cb,c"),
    ("form", True, [{"a": 1}, {"a": 2}], "color=%7B%22a%22%3A1%7D&color=%7B%22a%22%3A2%7D"),
    ("form", True, [[1, 2], [3]], "color=%5B1%2C2%5D&color=%5B3%5D"),
    ("form", True, {"R": {"a": [1]}}, "R=%7B%22a%22%3A%5B1%5D%7D"),
    ("form", True, "a&b=c#d+e f%20", "color=a%26b%3Dc%23d%2Be%20f%2520"),
    ("form", True, "日本", "color=%E6%97%A5%E6%9C%AC"),
    ("form", True, True, "color=true"),
    ("form", True, 1e22, "color=1e%2B22"),
    ("form", True, [1, 2.5, False], "color=1&color=2.5&color=false"),
]
HEADERS = [
    (False, "blue", "blue"),
    (False, "", ""),
    (False, ARRAY, "blue,black,brown"),
    (False, OBJECT, "R,100,G,200,B,150"),
    (True, "blue", "blue"),
    (True, ARRAY, "blue,black,brown"),
    (True, OBJECT, "R=100,G=200,B=150"),
    (False, 7, "7"),
    (False, True, "true"),
    (False, "a b, c", "a b, c"),
]


def color(place: Place, style: str, explode: bool, *, allow_reserved: bool = False, is_json: bool = False) -> Parameter:
    return Parameter("color", "color", place, True, style, explode, is_json, allow_reserved)


@each(("style", "explode", "value", "written"), PATHS)
def test_a_value_in_a_path_is_written_as_the_specification_has_it(
    style: str, explode: bool, value: object, written: str
) -> None:
    """G211: the table of "Style Examples", with label as RFC 6570 has it."""
    asked = request_of(operation(color("path", style, explode), path="/a/{color}/b"), {"color": value})
    assert asked.path == f"/a/{written}/b"


@each(("style", "explode", "value", "written"), QUERIES)
def test_a_value_in_a_query_is_written_as_the_specification_has_it(
    style: str, explode: bool, value: object, written: str
) -> None:
    """G211: the table of "Style Examples", and what Stripe and Rails read where it has nothing."""
    assert request_of(operation(color("query", style, explode)), {"color": value}).query == written


@each(("explode", "value", "written"), HEADERS)
def test_a_value_in_a_header_is_written_as_the_specification_has_it(explode: bool, value: object, written: str) -> None:
    """G211: the table of "Style Examples"."""
    parameter = Parameter("color", "X-Color", "header", style="simple", explode=explode)
    assert request_of(operation(parameter), {"color": value}).headers["X-Color"] == written


@pytest.mark.parametrize("place", ["path", "query", "header"])
@pytest.mark.parametrize("value", ["blue", ARRAY, OBJECT])
@pytest.mark.parametrize("explode", [True, False])
async def test_a_value_arrives_as_it_was_given(
    session: BackendSession, backend: TenantBackend, place: Place, value: object, explode: bool
) -> None:
    """G211: over a real connection, read by rules of its own."""
    schema = TEXTS if value == ARRAY else COLOR if value == OBJECT else TEXT
    name, style = ("X-Color" if place == "header" else "color"), ("form" if place == "query" else "simple")
    parameter = Parameter("color", name, place, style=style, explode=explode)
    path = "/things/{color}" if place == "path" else "/things"
    asked = operation(parameter, path=path, schemas={"color": schema})
    for route in ("/things/blue", "/things/blue,black,brown", "/things/R=100,G=200,B=150", "/things/R,100,G,200,B,150"):
        backend.answer(f"GET {route}", {})
    backend.answer("GET /things", {})
    await call_operation(asked, session, {"color": value}, most_bytes=1000)
    assert read_request(asked, backend.requests[0]) == {"color": value}


def test_reserved_characters_stand_as_they_are_where_the_document_allows_them_but_end_no_value() -> None:
    """G210: `allowReserved` makes no second parameter."""
    parameter = color("query", "form", True, allow_reserved=True)
    written = request_of(operation(parameter), {"color": "/a:b?c@d!$'()*,;=&admin=1#x+y%20[z]"}).query
    assert written == "color=/a:b?c@d!$'()*%2C%3B%3D%26admin%3D1%23x%2By%2520%5Bz%5D"


def test_a_parameter_with_content_is_json_as_text() -> None:
    parameters = (
        color("query", "form", True, is_json=True),
        Parameter("where", "X-Where", "header", style="simple", is_json=True),
    )
    asked = request_of(operation(*parameters), {"color": {"a": [1, None]}, "where": ["x,y"]})
    assert asked.query == "color=%7B%22a%22%3A%5B1%2Cnull%5D%7D"
    assert asked.headers["X-Where"] == '["x,y"]'


def test_the_documents_own_brackets_and_dots_are_a_name_like_any_other() -> None:
    parameters = (Parameter("size", "page[size]", "query"), Parameter("kind", "filter.kind", "query"))
    asked = request_of(operation(*parameters, schemas={"size": INTEGER}), {"size": 5, "kind": "a"})
    assert asked.query == "page%5Bsize%5D=5&filter.kind=a"


def test_several_arguments_of_a_path_are_each_in_their_place() -> None:
    parameters = tuple(
        Parameter(name, name, "path", style="simple", explode=False) for name in ("owner", "repo", "format")
    )
    asked = operation(*parameters, path="/repos/{owner}/{repo}.{format}:get(x='1')")
    path = request_of(asked, {"owner": "a b", "repo": "c", "format": "zip"}).path
    assert path == "/repos/a%20b/c.zip:get(x='1')"


@each(
    ("place", "style", "explode", "value"),
    [
        *(
            ("path", "simple", False, value)
            for value in ("", ".", "..", "a/b", "../x", "a\\b", "a\x00b", "%2e%2e", "a%2Fb")
        ),
        *(
            ("path", "simple", False, value)
            for value in (["a", ".."], ["a/b"], [""], [], {}, {"a/b": "c"}, "\r\n", "．．")
        ),
        *(("path", "label", True, value) for value in (["a.b", "c"], "", {"a": "1.5"})),
        *(("path", "matrix", True, value) for value in (["..;", "a/../b"], [""])),
        *(("query", "spaceDelimited", False, value) for value in (["a b", "c"], {"a b": "c"})),
        *(("query", "pipeDelimited", False, value) for value in (["a|b", "c"], {"a": "b|c"})),
        *(("query", "deepObject", True, value) for value in ({"a][admin": 1}, {"a[b]": 1}, {"": 1}, {"a": {"[": 1}})),
        *(
            ("header", "simple", False, value)
            for value in ("a\r\nX-Evil: 1", "a\nb", "a\x00", "é", " a", "a ", "a\x7f", "a\tb")
        ),
        *(("header", "simple", False, value) for value in (["a,b"], ["a\r\nb"], {"a,b": "c"}, [" a"])),
        ("header", "simple", True, {"a=b": "c"}),
    ],
)
def test_what_would_be_read_as_something_else_is_refused_by_the_arguments_name(
    place: Place, style: str, explode: bool, value: object
) -> None:
    """G210: nothing is left out, cut or replaced in silence."""
    parameter = Parameter("my_color", "color", place, style=style, explode=explode)
    asked = operation(parameter, path="/a/{color}" if place == "path" else "/a")
    with pytest.raises(ToolError, match=r"^my_color"):
        request_of(asked, {"my_color": value})


def test_a_free_key_of_an_object_takes_no_other_parameters_place() -> None:
    """G210: `admin` is for whoever gives `admin`."""
    asked = operation(color("query", "form", True), Parameter("is_admin", "admin", "query"))
    with pytest.raises(ToolError, match="'admin' has a meaning of its own"):
        request_of(asked, {"color": {"admin": "true"}})
    assert request_of(asked, {"color": {"free": "1"}, "is_admin": "x"}).query == "free=1&admin=x"


def test_a_header_of_ours_is_not_sent_for_a_document_or_a_model() -> None:
    """G210: nor is one that belongs to the connection."""
    names = [
        "Authorization",
        "Cookie",
        "Host",
        "Connection",
        "Transfer-Encoding",
        "Content-Length",
        "Idempotency-Key",
        "TE",
    ]
    names += [
        "X-Branch-Id",
        "X-Forwarded-For",
        "Proxy-Authorization",
        "X-HTTP-Method-Override",
        "x_forwarded_host",
        "Bad Name",
    ]
    parameters = tuple(Parameter(f"a{number}", name, "header", style="simple") for number, name in enumerate(names))
    fixed = {"Host": "evil.example", "X-Version": "2", "Authorization": "Bearer mine", "X-Bad": "a\r\nb"}
    asked = operation(*parameters, fixed_headers=fixed)
    sent = request_of(asked, {one.argument: "x" for one in parameters}).headers
    assert sent == {"X-Version": "2", "Accept": "application/json"}


def test_an_address_that_is_too_long_is_refused_before_it_is_sent() -> None:
    with pytest.raises(ToolError, match="too long for an address"):
        request_of(operation(color("query", "form", True)), {"color": ["x" * 10] * 10_000})


def test_what_is_asked_for_is_what_the_document_knows_json_first() -> None:
    kinds = ("text/csv", "application/vnd.api+json", "evil\r\nX: y")
    assert request_of(operation(media_types=kinds), {}).headers["Accept"] == "application/vnd.api+json, text/csv"
    assert request_of(operation(media_types=()), {}).headers["Accept"] == "application/json"
