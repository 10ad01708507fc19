"""Documents tell to write in a page what the packages take: each part of one, read by TypeScript as a module of a page.

The parts for Vue are built and asked in `tests/foreign/test_vite.py`, as is the first one for React.
"""

import asyncio
import json
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

from support.packages import node

ROOT = Path(__file__).parents[2]
WEB = ROOT / "web"
PACKAGES = ("client", "react")
DOCUMENTS = ("docs/frontend.md", "docs/voice.md", "web/client/README.md", "web/react/README.md")
FENCE = re.compile(r"^```(tsx?|js)\n(.*?)^```", re.MULTILINE | re.DOTALL)
OF_THE_PAGE = """
import type * as of from "@frontdesk/client";

declare global {
    const url: string, token: () => string, session: { token: string }, myToken: () => string;
    const options: of.ClientOptions, client: of.Client, chat: of.Chat, assistant: of.Assistant;
    const message: of.MessageView, approval: of.ApprovalView;
    const toolCallId: string, runId: string, conversationId: string, messageId: string;
    const input: HTMLInputElement & { files: FileList }, button: HTMLButtonElement, field: HTMLInputElement;
    const router: { push(path: string): void };
    const draw: (shown: unknown) => void, list: typeof draw, drawBeside: (lanes: unknown, phase?: string) => void;
    const write: (text: string) => void, useChat: typeof import("@frontdesk/react").useChat;
    function Messages(shown: {
        shown: readonly of.MessageView[]; isBusy: boolean; onSend: of.Chat["send"]; onStop: of.Chat["stop"];
    }): null;
}
"""
"""Names that a reader has: of what the documents say was made before, and names that stand for the page's own."""
OPTIONS = {
    "target": "es2023",
    "module": "esnext",
    "moduleResolution": "bundler",
    "lib": ["es2023", "dom", "dom.iterable"],
    "jsx": "react-jsx",
    "verbatimModuleSyntax": True,
    "moduleDetection": "force",
    "skipLibCheck": True,
    "allowJs": True,
    "noEmit": True,
    "types": [],
}


def parts() -> Iterator[tuple[str, str, bool]]:
    """Yield the name of each part with lines in it, these lines, and whether they are TypeScript alone."""
    for document in DOCUMENTS:
        for at, section in enumerate((ROOT / document).read_text("utf-8").split("\n## ")):
            if found := FENCE.findall(section):
                name = f"{document.removesuffix('.md').replace('/', '-')}-{at}"
                yield name, "".join(lines for _, lines in found), all(kind != "js" for kind, _ in found)


def unpack(name: str, folder: Path) -> None:
    """Put a package where npm puts it, as the server hands it out."""
    file = json.loads((WEB / "dist" / "manifest.json").read_text())[f"npm/{name}.tgz"]
    with tarfile.open(WEB / "dist" / file) as archive:
        archive.extractall(folder.parent, filter="data")
    (folder.parent / "package").rename(folder)


async def test_lines_of_the_documents_are_what_the_packages_take(tmp_path: Path) -> None:
    """G600"""
    of_typescript: list[str] = []
    of_any: list[str] = []
    for name, lines, is_typed in parts():
        (tmp_path / f"{name}.tsx").write_text(lines)
        (of_typescript if is_typed else of_any).append(f"{name}.tsx")
    assert len(of_typescript) + len(of_any) > 15
    (tmp_path / "page.ts").write_text(OF_THE_PAGE)
    for name in PACKAGES:
        unpack(name, tmp_path / "node_modules" / "@frontdesk" / name)
    (tmp_path / "node_modules" / "@types").symlink_to(WEB / "node_modules" / "@types")

    async def read(names: list[str], *, is_strict: bool) -> str:
        config = tmp_path / f"tsconfig.{is_strict}.json"
        config.write_text(
            json.dumps(
                {
                    "compilerOptions": {**OPTIONS, "strict": is_strict},
                    "files": [*names, "page.ts"],
                }
            )
        )
        return await node(WEB / "node_modules" / "typescript" / "bin" / "tsc", "-p", config, cwd=tmp_path)

    said = await asyncio.gather(read(of_typescript, is_strict=True), read(of_any, is_strict=False))
    assert not any(said)
