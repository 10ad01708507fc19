"""The built files: found by the names of the manifest and by no other, kept as long as their name says."""

import hashlib
from pathlib import Path

import httpx2
import orjson
import pytest
from support.raw import raw_request
from support.world import OpenWorld, World

from agent.errors import ConfigurationError
from api.built_files import BuiltFiles

DIST = Path(__file__).parents[2] / "web" / "dist"
MANIFEST: dict[str, str] = orjson.loads((DIST / "manifest.json").read_bytes())
SERVED = {name: hashed for name, hashed in MANIFEST.items() if not name.endswith(".html")}
TYPES = {
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "tgz": "application/gzip",
}
ARCHIVES = [name for name in SERVED if name.endswith(".tgz")]


async def get(world: World, path: str, *, method: str = "GET", **headers: str) -> httpx2.Response:
    async with httpx2.AsyncClient(base_url=world.url, verify=False) as client:
        return await client.request(
            method, path, headers={name.replace("_", "-"): one for name, one in headers.items()}
        )


@pytest.mark.parametrize("name", SERVED)
async def test_a_built_file_is_kept_for_good_under_the_name_with_its_hash(world: World, name: str) -> None:
    answer = await get(world, f"/static/{SERVED[name]}")

    assert answer.status_code == 200
    assert answer.content == (DIST / SERVED[name]).read_bytes()
    assert hashlib.sha256(answer.content).hexdigest()[:12] in SERVED[name]
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == TYPES[name.rpartition(".")[2]]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", SERVED)
async def test_a_built_file_is_kept_for_minutes_under_its_plain_name(world: World, name: str) -> None:
    answer = await get(world, f"/static/{name}")

    assert answer.status_code == 200
    assert answer.content == (DIST / SERVED[name]).read_bytes()
    assert answer.headers["cache-control"] == "public, max-age=300"


@pytest.mark.parametrize("name", [next(iter(SERVED)), next(iter(SERVED.values()))])
async def test_a_browser_that_has_a_file_is_told_so_without_getting_it_again(world: World, name: str) -> None:
    first = await get(world, f"/static/{name}")
    by_tag = await get(world, f"/static/{name}", If_None_Match=first.headers["etag"])
    by_time = await get(world, f"/static/{name}", If_Modified_Since=first.headers["last-modified"])
    stale = await get(world, f"/static/{name}", If_None_Match='"another"')

    assert [answer.status_code for answer in (by_tag, by_time, stale)] == [304, 304, 200]
    assert by_tag.content == b""
    assert by_tag.headers["cache-control"] == first.headers["cache-control"]
    assert by_tag.headers["etag"] == first.headers["etag"]


@pytest.mark.parametrize("name", [name for name in SERVED if name not in ARCHIVES])
async def test_a_built_file_is_compressed_for_who_takes_that(world: World, name: str) -> None:
    whole = await get(world, f"/static/{name}", Accept_Encoding="identity")
    small = await get(world, f"/static/{name}", Accept_Encoding="br, GZIP ; q=0.5")

    assert "content-encoding" not in whole.headers
    assert small.headers["content-encoding"] == "gzip"
    assert small.content == whole.content == (DIST / SERVED[name]).read_bytes()
    assert int(small.headers["content-length"]) < int(whole.headers["content-length"]) == len(whole.content)
    for header in ("content-type", "cache-control", "etag", "last-modified", "access-control-allow-origin"):
        assert small.headers[header] == whole.headers[header]
    assert small.headers["vary"] == whole.headers["vary"] == "Accept-Encoding"
    assert small.headers["etag"].startswith('W/"')


@pytest.mark.parametrize("name", ARCHIVES)
async def test_an_archive_comes_as_it_is_so_that_its_hash_is_the_files(world: World, name: str) -> None:
    answer = await get(world, f"/static/{name}", Accept_Encoding="gzip")
    again = await get(world, f"/static/{name}", Accept_Encoding="gzip", If_None_Match=answer.headers["etag"])

    assert "content-encoding" not in answer.headers
    assert answer.content == (DIST / SERVED[name]).read_bytes()
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("codings", ["", "br", "gzip;q=0", "br, gzip; q=0.000", "gzipped"])
async def test_who_does_not_take_gzip_gets_a_file_as_it_is(world: World, codings: str) -> None:
    answer = await get(world, f"/static/{next(iter(SERVED))}", Accept_Encoding=codings)

    assert "content-encoding" not in answer.headers
    assert answer.headers["vary"] == "Accept-Encoding"


async def test_a_file_is_compressed_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    name = next(iter(SERVED))
    first = await get(world, f"/static/{name}", Accept_Encoding="gzip")
    monkeypatch.delattr("gzip.compress")

    assert (await get(world, f"/static/{SERVED[name]}", Accept_Encoding="gzip")).content == first.content


@pytest.mark.parametrize("codings", ["gzip", "identity"])
@pytest.mark.parametrize("had", ["gzip", "identity"])
async def test_a_browser_that_has_a_file_in_either_encoding_is_told_so(world: World, had: str, codings: str) -> None:
    path = f"/static/{next(iter(SERVED))}"
    first = await get(world, path, Accept_Encoding=had)
    again = await get(world, path, Accept_Encoding=codings, If_None_Match=first.headers["etag"])

    assert (again.status_code, again.content) == (304, b"")
    assert "content-encoding" not in again.headers
    assert again.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("origins", [(), ("https://app.example.com",)])
async def test_a_page_of_any_other_origin_may_load_the_files(
    open_frontdesk: OpenWorld, origins: tuple[str, ...]
) -> None:
    world = await open_frontdesk(cors_origins=origins)

    answer = await get(world, f"/static/{next(iter(SERVED))}", Origin="https://vendor.example.org")

    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"


@pytest.mark.parametrize("codings", ["gzip", "identity"])
async def test_a_file_can_be_asked_for_its_headers_alone(world: World, codings: str) -> None:
    path = f"/static/{next(iter(SERVED))}"
    whole = await get(world, path, Accept_Encoding=codings)
    head = await get(world, path, method="HEAD", Accept_Encoding=codings)

    assert head.status_code == 200
    assert head.content == b""
    for header in ("content-length", "content-type", "etag", "vary"):
        assert head.headers[header] == whole.headers[header]
    assert head.headers.get("content-encoding") == whole.headers.get("content-encoding")


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/manifest.json",
        "/static/nothing.js",
        f"/static/{MANIFEST['demo.html']}",
        "/static/demo.html",
        "/static/../build.mjs",
        "/static/..%2fbuild.mjs",
        "/static/%2e%2e/build.mjs",
        "/static/..%5cbuild.mjs",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/demo.js%00",
        "/static/./demo.js",
        "/static/npm",
        "/static/npm/",
        "/static/npm/nothing.tgz",
        "/static/npm/../demo.js",
        "/static/npm/..%2fmanifest.json",
        "/static/npm%5cclient.tgz",
        f"/static/{'x' * 4000}.js",
    ],
)
async def test_nothing_else_is_found_under_static(world: World, path: str) -> None:
    async with raw_request(world.url, "GET", path, token="") as answer:  # no client that would tidy the path up
        await answer.begin()
        body = orjson.loads(await answer.rest())

    assert answer.status == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["code"] == "not_found"


@pytest.mark.parametrize("manifest", [None, b"", b"<html>"])
def test_files_that_were_not_built_stop_the_start_and_say_what_to_run(tmp_path: Path, manifest: bytes | None) -> None:
    if manifest is not None:
        (tmp_path / "manifest.json").write_bytes(manifest)

    with pytest.raises(ConfigurationError, match=r"scripts/web build"):
        BuiltFiles(tmp_path)
