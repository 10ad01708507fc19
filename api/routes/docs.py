"""`/docs`: what can be asked of this server, read from its OpenAPI document. A page without a script and without a frame."""

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html import escape
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from agent.errors import NotFoundError
from api.dependencies import InstallationDep

router = APIRouter(include_in_schema=False)

STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
code, pre { font-family: ui-monospace, monospace; font-size: .9em }
pre { overflow-x: auto; padding: .75rem; background: #8881; border-radius: .5rem }
details { border-top: 1px solid #8884; padding: .5rem 0 }
summary { cursor: pointer }
"""
POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@router.get("/docs")
async def show_docs(request: Request, services: InstallationDep) -> Response:
    """Show every operation, with its parameters and bodies."""
    if not services.settings.openapi:
        raise NotFoundError("There is no such page.")
    return Response(_page(request.app.openapi()), media_type="text/html; charset=utf-8", headers=HEADERS)


def _page(document: dict[str, Any]) -> str:
    title = escape(f"{document['info']['title']} {document['info']['version']}")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
        f'<h1>{title}</h1><p>The same for programs: <a href="openapi.json">openapi.json</a></p>'
        f"{''.join(_operations(document))}"
        f"<h2>Bodies</h2>{''.join(_schemas(document))}</html>"
    )


def _operations(document: dict[str, Any]) -> Iterator[str]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            token = "" if operation.get("security") else " (no token)"
            shown = {name: operation[name] for name in ("parameters", "requestBody", "responses") if name in operation}
            yield (
                f"<details><summary><code>{escape(method.upper())} {escape(path)}</code>{token} "
                f"{escape(operation.get('summary', ''))}</summary>"
                f"<p>{escape(operation.get('description', ''))}</p><pre>{_json(shown)}</pre></details>"
            )


def _schemas(document: dict[str, Any]) -> Iterator[str]:
    for name, schema in document.get("components", {}).get("schemas", {}).items():
        yield f"<details><summary><code>{escape(name)}</code></summary><pre>{_json(schema)}</pre></details>"


def _json(value: object) -> str:
    return escape(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
