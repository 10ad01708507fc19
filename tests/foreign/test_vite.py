"""The lines of `docs/frontend.md` in a project of Vite, as somebody makes it anew: installed from the server, built, asked.

The same in Next.js is `test_next.py`. `scripts/foreign` installs what the project is made with.
"""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from shutil import rmtree

import pytest
from playwright.async_api import expect
from support.browsing import new_context, open_browser, open_tab
from support.examples import lines_of
from support.office import ask_studio
from support.packages import install, node, running
from support.processes import Machine
from support.programs import free_port

from api.auth import sign
from api.settings import Settings

ROOT = Path(__file__).parents[2]
PROJECT = ROOT / ".foreign" / "vite"
NOT_SAVED = ("--no-save", "--ignore-scripts", "--legacy-peer-deps")
CONFIG = """
import react from "@vitejs/plugin-react";
import vue from "@vitejs/plugin-vue";
export default { plugins: [react(), vue()] };
"""
INDEX = '<!doctype html><title>Desk</title><div id="app"></div><script type="module" src="/main.js"></script>'
MAINS = {
    "React": (
        "Assistant.tsx",
        """
import { createElement } from "react";
import { createRoot } from "react-dom/client";
import { Assistant } from "./Assistant";
createRoot(document.getElementById("app")).render(createElement(Assistant));
""",
    ),
    "Vue": (
        "Assistant.vue",
        """
import { createApp } from "vue";
import Assistant from "./Assistant.vue";
createApp(Assistant).mount("#app");
""",
    ),
    "Without a framework": (
        "desk.js",
        """
globalThis.draw = (messages) => {
    app.replaceChildren(...messages.map(({ role, text }) => Object.assign(document.createElement("p"), { className: role, textContent: text })));
};
import("./desk.js");
""",
    ),
}

pytestmark = pytest.mark.timeout(600)


def make(part: str, url: str, token: str) -> Path:
    """Make a project with the lines of the page, for a server and a token."""
    name, main = MAINS[part]
    folder = PROJECT / part.split()[0].lower()
    rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "index.html").write_text(INDEX)
    (folder / "vite.config.js").write_text(CONFIG)
    (folder / "main.js").write_text(f'globalThis.myToken = () => "{token}";\n{main}')
    (folder / name).write_text(lines_of(part, url))
    return folder


@pytest.fixture(scope="module")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[str, str, dict[str, int]]]:
    """The demo with the three packages installed from it; its address, a token, and a port for each part's page."""
    assert (PROJECT / "node_modules" / "vite").exists(), "scripts/foreign installs what these tests need"
    folder = tmp_path_factory.mktemp("demo")
    ports = {part: free_port() for part in MAINS}
    origins = ", ".join(f'"http://127.0.0.1:{port}"' for port in ports.values())
    machine = Machine(folder, {"FRONTDESK_CORS_ORIGINS": f"[{origins}]"})
    try:
        server = await machine.start()
        await install(server.url, PROJECT, "client", "react", "vue", options=NOT_SAVED)
        settings = Settings(_env_file=None, data=folder / "data")
        yield (
            server.url,
            sign(settings, tenant="aurora", user="owner", role="owner", branch=None, ttl_s=900),
            ports,
        )
    finally:
        await machine.stop()


@pytest.mark.parametrize("part", MAINS)
async def test_the_lines_of_the_page_are_built_by_vite_and_answer(
    demo: tuple[str, str, dict[str, int]], part: str
) -> None:
    """G413"""
    url, token, ports = demo
    folder = make(part, url, token)
    vite = PROJECT / "node_modules" / "vite" / "bin" / "vite.js"
    await node(vite, "build", cwd=folder)
    clients = (await ask_studio(url, "/clients/stats"))["total"]

    serve = (vite, "preview", "--host", "127.0.0.1", "--strictPort", "--port", str(ports[part]))
    async with (
        running(*serve, cwd=folder, until=str(ports[part])),
        open_browser() as browser,
        await new_context(browser) as context,
    ):
        tab = await open_tab(context)
        await tab.page.goto(f"http://127.0.0.1:{ports[part]}/")
        if part in ("React", "Vue"):
            await tab.page.get_by_label("Message").fill("how many clients?")
            await tab.page.get_by_role("button", name="Send").click()
        await expect(tab.page.locator(".assistant")).to_contain_text(re.compile(rf"\b{clients}\b"))
        assert tab.problems == []
