"""A vendor's page with the widget in it, on a host of its own, under a policy as strict as the demo's."""

import html
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from support.http import Connection, Request, head, listen

WEB = Path(__file__).parents[2] / "web"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src *; font-src 'self'; connect-src *; "
    "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types frontdesk"
)
"""A policy of which it matters here that nothing inline runs; a test sees for itself where requests go."""
KEYBOARD = """
    const seen = new EventTarget();
    Object.assign(seen, { scale: 1, offsetTop: 0, offsetLeft: 0, width: innerWidth, height: innerHeight });
    Object.defineProperty(window, "visualViewport", { value: seen });
    window.see = (change, type) => {
        Object.assign(seen, change);
        seen.dispatchEvent(new Event(type));
    };
"""
"""Decides what a page is told of what is seen; no browser without a screen has a keyboard on it."""


@dataclass(slots=True)
class Host:
    """The page: what the element's attributes are, and what the page's own script does with it."""

    url: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    script: str = ""
    """Runs in the page as a module, with the element as `chat`."""
    token: str | None = ""
    """None sets none."""
    is_early: bool = False
    """Whether the page's script runs before the widget's."""
    body: str = "<h1>Shop</h1><p>The vendor's own page.</p>"
    around: str = ""
    """Another page of the host, at `/around`."""
    language: str = "en"
    policy: str = POLICY
    doctype: str = "<!doctype html>"
    style: str = ""
    """The page's own style sheet."""
    scripts: dict[str, str] | None = None
    """Scripts that the page loads instead of the widget and its own script, by path."""

    async def handle(self, request: Request, connection: Connection) -> None:
        """Serve the page, its script, and the widget's bundle."""
        path = request.path.partition("?")[0]
        if path == "/host.js":
            await _send(connection, "text/javascript", self._script())
        elif self.scripts is not None and path in self.scripts:
            await _send(connection, "text/javascript", self.scripts[path])
        elif path == "/host.css":
            await _send(connection, "text/css; charset=utf-8", self.style)
        elif path.startswith("/static/"):
            await _send(
                connection, "text/javascript", (WEB / "dist" / path.removeprefix("/static/")).read_text("utf-8")
            )
        elif path == "/around":
            await _send(connection, "text/html; charset=utf-8", self.around)
        elif path == "/favicon.ico":
            await _send(connection, "image/x-icon", "")
        else:
            await _send(connection, "text/html; charset=utf-8", self._page(), policy=self.policy)

    def _script(self) -> str:
        token = "" if self.token is None else f"chat.token = () => {json.dumps(self.token)};"
        return f"const chat = document.querySelector('frontdesk-chat');\n{token}\n{self.script}\n"

    def _scripts(self) -> str:
        own = [f"/static/{bundle()}", "/host.js"]
        paths = (reversed(own) if self.is_early else own) if self.scripts is None else self.scripts
        return "".join(f'<script type="module" src="{path}"></script>' for path in paths)

    def _page(self) -> str:
        attributes = "".join(f' {name}="{html.escape(value)}"' for name, value in self.attributes.items())
        return (
            f'{self.doctype}<html lang="{self.language}"><head><meta charset="utf-8"><title>Shop</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"{'<link rel=stylesheet href=/host.css>' if self.style else ''}"
            f"{self._scripts()}</head><body><main>{self.body}</main>"
            f"<frontdesk-chat{attributes}></frontdesk-chat></body></html>"
        )


def bundle() -> str:
    """Return the file name of the widget's bundle."""
    name: str = json.loads((WEB / "dist" / "manifest.json").read_text("utf-8"))["frontdesk-chat.js"]
    return name


@asynccontextmanager
async def serve_host() -> AsyncIterator[Host]:
    """Serve a page on a free port."""
    host = Host()
    async with listen(host.handle) as url:
        host.url = url
        yield host


async def _send(connection: Connection, content_type: str, text: str, *, policy: str | None = None) -> None:
    body = text.encode()
    headers = {"Content-Type": content_type, "Content-Length": str(len(body)), "Cache-Control": "no-store"}
    headers["Access-Control-Allow-Origin"] = "*"  # a sandboxed frame has no origin, not even its own
    if policy is not None:
        headers["Content-Security-Policy"] = policy
    await connection.send(head(200, headers) + body)
