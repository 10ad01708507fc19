"""The npm packages that the server hands out: installed by the real npm from the real server, compiled and run.

Their bytes are those of the source: `scripts/web check` builds them anew, and fails where one differs.
"""

import gzip
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from support.packages import install, node
from support.server import token_of
from support.world import World

from api import __version__

ROOT = Path(__file__).parents[2]
WEB = ROOT / "web"
PACKAGES = ("client", "react", "vue")
PAGE = """
import { createClient, FrontdeskError, type ChatView, type Client } from "@frontdesk/client";
import { paced } from "@frontdesk/client/paced";
import { useChat } from "@frontdesk/react";
import { useChat as useChatOfVue } from "@frontdesk/vue";

const client: Client = createClient({ url: "https://desk.example.com", token: async () => "token" });
const chat = paced(client.chat({ actions: { navigate: (path) => path.toUpperCase() } }));
chat.subscribe((view: ChatView) => view.messages[0]?.toolCalls[0]?.durationMs?.toFixed());
const shown = useChat(chat);
const text: string | undefined = shown.messages.at(-1)?.text;
const title: string | null = useChatOfVue(chat).title.value;
// @ts-expect-error a chat has no such call: what is known is typed, and not `any`
shown.sned("hello");
// @ts-expect-error
chat.view.messages[0]!.text = 7;
export { FrontdeskError, text, title };
"""
ASK = """
import { createClient } from "@frontdesk/client";

const [url, token] = process.argv.slice(2);
const chat = createClient({ url, token: () => token }).chat();
await chat.send("hello");
console.log(JSON.stringify(chat.view.messages.map(({ role, text }) => [role, text])));
chat.close();
"""


def built(name: str) -> bytes:
    manifest: dict[str, str] = orjson.loads((WEB / "dist" / "manifest.json").read_bytes())
    return (WEB / "dist" / manifest[f"npm/{name}.tgz"]).read_bytes()


def files_in(name: str) -> dict[str, bytes]:
    """Return what a package holds, by path within it."""
    with tarfile.open(fileobj=io.BytesIO(built(name)), mode="r:gz") as archive:
        return {one.name.removeprefix("package/"): read(archive, one) for one in archive.getmembers()}


def read(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    assert file is not None
    return file.read()


async def install_beside(world: World, folder: Path, *packages: str, beside: tuple[str, ...] = ()) -> None:
    """Install these of the server's packages, and these of this checkout's own."""
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    local = tuple(str(WEB / "node_modules" / name) for name in beside)
    await install(world.url, folder, *packages, options=local)


def paths(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for one in value.values():
            yield from paths(one)
    else:
        yield str(value)


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_has_the_servers_version_and_all_that_it_names(name: str) -> None:
    """G190"""
    files = files_in(name)
    package = orjson.loads(files["package.json"])

    assert (package["name"], package["version"]) == (f"@frontdesk/{name}", __version__)
    named = {path.removeprefix("./") for path in paths(package["exports"])}
    assert named <= set(files)
    assert {path.removeprefix("./") for path in (package["main"], package["types"])} <= named
    assert {"README.md", "LICENSE"} <= set(files)
    assert "dependencies" not in package
    assert "private" not in package


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_is_the_same_bytes_whoever_builds_it(name: str) -> None:
    """G190: no time, owner or compressor of one machine stands in it, nor where its folder was."""
    with tarfile.open(fileobj=io.BytesIO(built(name)), mode="r:gz") as archive:
        members = archive.getmembers()

    assert [one.name for one in members] == sorted(one.name for one in members)
    assert {(one.mtime, one.uid, one.gid, one.mode) for one in members} == {(499162500, 0, 0, 0o644)}
    assert built(name)[4:8] == bytes(4)  # gzip's own time
    assert len(built(name)) > len(gzip.decompress(built(name)))  # nothing is compressed
    assert not [path for path, contents in files_in(name).items() if str(ROOT).encode() in contents]


@pytest.mark.parametrize("name", PACKAGES)
def test_a_script_leads_to_its_source(name: str) -> None:
    files = files_in(name)
    for path in [path for path in files if path.endswith(".js")]:
        assert f"sourceMappingURL={Path(path).name}.map" in files[path].decode()
        mapped = orjson.loads(files[f"{path}.map"])
        assert mapped["sources"]
        for source, text in zip(mapped["sources"], mapped["sourcesContent"], strict=True):
            assert text == ((WEB / name / path).parent / source).resolve().read_text("utf-8")


@pytest.mark.long
@pytest.mark.timeout(400)
async def test_the_packages_are_installed_from_the_server_and_typed(world: World, tmp_path: Path) -> None:
    """G190: as TypeScript reads them by Node's own rules, with every declaration looked at."""
    await install_beside(world, tmp_path, *PACKAGES, beside=("react", "vue", "@types/react", "typescript"))
    (tmp_path / "page.ts").write_text(PAGE)

    strict = ("--strict", "--noEmit", "--target", "es2022", "--lib", "es2023,dom,dom.iterable", "--types", "react")
    tsc = WEB / "node_modules" / "typescript" / "bin" / "tsc"
    for module in ("nodenext", "preserve"):
        assert await node(tsc, *strict, "--module", module, "page.ts", cwd=tmp_path) == ""


@pytest.mark.timeout(400)
async def test_an_installed_client_talks_to_the_server_that_it_came_from(world: World, tmp_path: Path) -> None:
    """G190"""
    world.provider.say("Hello, ", "Ann.")
    await install_beside(world, tmp_path, "client")
    (tmp_path / "ask.mjs").write_text(ASK)

    said = await node("ask.mjs", world.url, token_of(), cwd=tmp_path)

    assert orjson.loads(said) == [["user", "hello"], ["assistant", "Hello, Ann."]]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", ["react", "vue"])
async def test_a_binding_alone_asks_no_registry_for_the_client(world: World, tmp_path: Path, name: str) -> None:
    """G190: the name may be a stranger's there."""
    await install_beside(world, tmp_path, name, beside=(name,))

    assert [one.name for one in (tmp_path / "node_modules" / "@frontdesk").iterdir()] == [name]
