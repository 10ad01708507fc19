"""The lines of `docs/frontend.md` in a project of Next.js, which renders pages on a server first: installed from Frontdesk, built, asked.

Its packages are those of the example, `examples/next-chat`, which `scripts/foreign` installs. Vue has no Next.js.
"""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from shutil import rmtree

import pytest
from playwright.async_api import expect
from support.browsing import new_context, open_browser, open_tab
from support.examples import beside_packages, lines_of
from support.office import ask_studio
from support.packages import install, node, running
from support.processes import Machine
from support.programs import free_port

from api.auth import sign
from api.settings import Settings

NOT_SAVED = ("--no-save", "--ignore-scripts", "--legacy-peer-deps")
FILES = {
    "package.json": '{"private": true}',
    "next.config.mjs": "export default {};",
    "tsconfig.json": """{
  "compilerOptions": {
    "target": "ES2022", "lib": ["dom", "dom.iterable", "es2023"], "module": "esnext", "moduleResolution": "bundler", "jsx": "react-jsx",
    "strict": true, "noEmit": true, "esModuleInterop": true, "isolatedModules": true, "allowJs": true, "plugins": [{ "name": "next" }]
  },
  "include": ["**/*.ts", "**/*.tsx"]
}""",
    "product.d.ts": "declare function myToken(): string;\ndeclare var draw: (messages: { role: string; text: string }[]) => void;",
    "app/layout.tsx": """
import type { ReactNode } from "react";
export const metadata = { title: "Desk", icons: "data:," };
export default function Layout({ children }: { children: ReactNode }) {
    return (
        <html lang="en">
            <body>
                <script dangerouslySetInnerHTML={{ __html: 'globalThis.myToken = () => "TOKEN";' }} />
                {children}
            </body>
        </html>
    );
}""",
    "app/react/page.tsx": """
import { Assistant } from "./Assistant";
export default function Page() {
    return <Assistant />;
}""",
    "app/plain/page.tsx": """
"use client";
import { useEffect, useState } from "react";
export default function Page() {
    const [messages, show] = useState<{ role: string; text: string }[]>([]);
    useEffect(() => {
        globalThis.draw = (messages) => show([...messages]);
        void import("./desk.js");
    }, []);
    return messages.map(({ role, text }, number) => <p key={number} className={role}>{text}</p>);
}""",
}

pytestmark = pytest.mark.timeout(600)


def make(url: str, token: str) -> Path:
    """Make a project with the lines of the page, for a server and a token, beside the packages of the example."""
    folder = beside_packages("next-chat") / "lines"
    rmtree(folder, ignore_errors=True)
    own = {
        "app/react/Assistant.tsx": f'"use client";\n{lines_of("React", url)}',
        "app/plain/desk.js": lines_of("Without a framework", url),
    }
    for name, text in {**FILES, **own}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text.replace("TOKEN", token))
    return folder


@pytest.fixture(scope="module")
async def pages(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[str, str]]:
    """The addresses of the pages and of Frontdesk, each of an origin of its own."""
    data = tmp_path_factory.mktemp("demo")
    page = f"http://127.0.0.1:{(port := free_port())}"
    machine = Machine(data, {"FRONTDESK_CORS_ORIGINS": f'["{page}"]'})
    try:
        server = await machine.start()
        settings = Settings(_env_file=None, data=data / "data")
        token = sign(settings, tenant="aurora", user="owner", role="owner", branch=None, ttl_s=900)
        folder = make(server.url, token)
        await install(server.url, folder.parent, "client", "react", options=NOT_SAVED)
        program = folder.parent / "node_modules" / "next" / "dist" / "bin" / "next"
        await node(program, "build", cwd=folder, NEXT_TELEMETRY_DISABLED="1")
        start = (program, "start", "--hostname", "127.0.0.1", "--port", str(port))
        async with running(*start, cwd=folder, until="Ready", NEXT_TELEMETRY_DISABLED="1"):
            yield page, server.url
    finally:
        await machine.stop()


@pytest.mark.parametrize("name", ["react", "plain"])
async def test_the_lines_of_the_page_are_built_by_next_and_answer(pages: tuple[str, str], name: str) -> None:
    """G413"""
    page, frontdesk = pages
    clients = (await ask_studio(frontdesk, "/clients/stats"))["total"]
    async with open_browser() as browser, await new_context(browser) as context:
        tab = await open_tab(context)
        await tab.page.goto(f"{page}/{name}")
        if name == "react":
            await tab.page.get_by_label("Message").fill("how many clients?")
            await tab.page.get_by_role("button", name="Send").click()
        await expect(tab.page.locator(".assistant")).to_contain_text(re.compile(rf"\b{clients}\b"))
        assert tab.problems == []
