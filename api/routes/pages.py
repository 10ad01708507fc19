"""What browsers load: the files that `web/` was built into, and the demo's page.

`web/dist/manifest.json` is the list of what there is: name -> the same name with its content's hash. Only what it lists
is handed out, so no path can lead anywhere else.
"""

import gzip
from functools import cache
from pathlib import Path

import orjson
from anyio import to_thread
from fastapi import APIRouter, Request, Response
from starlette.staticfiles import StaticFiles

from agent.errors import NotFoundError
from api.demo_access import is_open_to
from api.dependencies import InstallationDep
from api.views import Health

router = APIRouter()

DIST = Path(__file__).parents[2] / "web" / "dist"
MEDIA_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""What is handed out under /static/. Said here, because the machine's own table may know other types or none."""

HASHED: dict[str, str] = orjson.loads((DIST / "manifest.json").read_bytes())
FILES = {**{hashed: hashed for hashed in HASHED.values()}, **HASHED}

YEAR_S = 31_536_000
NAMED_KEEP_S = 300
"""How long a browser may keep a file that it asked for without its hash: so long an update may take to arrive."""

PUBLIC = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}
"""A vendor's page, of another origin, loads the widget. There is nothing in these files that not everybody may read."""

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "dompurify 'allow-duplicates'",
}
PAGE_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "; ".join(f"{directive} {sources}" for directive, sources in POLICY.items()),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept",
    "X-Content-Type-Options": "nosniff",
}

_files = StaticFiles(directory=DIST)


@router.get("/", response_model=Health, tags=["service"])
async def show_front_door(request: Request, installation: InstallationDep) -> Response:
    """Say that the service is there; in demo mode a browser gets the demo's page instead."""
    wants_page = "text/html" in request.headers.get("accept", "")
    if not (wants_page and is_open_to(request, installation.settings)):
        return Response(Health().model_dump_json(), media_type="application/json", headers={"Vary": "Accept"})
    page = await _files.get_response(HASHED["demo.html"], request.scope)
    page.headers.update(PAGE_HEADERS)
    return page


@router.api_route("/static/{name}", methods=["GET", "HEAD"], include_in_schema=False)
async def get_built_file(name: str, request: Request) -> Response:
    """Return a built file: for good under its hashed name, for a moment under its plain one."""
    media_type = MEDIA_TYPES.get(Path(name).suffix)
    if name not in FILES or media_type is None:
        raise NotFoundError("There is no such file.")
    file = await _files.get_response(FILES[name], request.scope)
    tag = f"W/{file.headers['etag']}"  # weak: one tag for both encodings
    if file.status_code != 304 and accepts_gzip(request.headers.get("accept-encoding", "")):
        known = {"Content-Encoding": "gzip", "Last-Modified": file.headers["last-modified"]}
        file = Response(await to_thread.run_sync(_gzipped, FILES[name]), headers=known)
    keep = f"max-age={NAMED_KEEP_S}" if name in HASHED else f"max-age={YEAR_S}, immutable"
    file.headers.update({**PUBLIC, "Cache-Control": f"public, {keep}", "ETag": tag})
    if file.status_code != 304:
        file.headers["Content-Type"] = media_type
    return file


def accepts_gzip(codings: str) -> bool:
    """Say whether an `Accept-Encoding` takes gzip; a weight of 0 refuses it (RFC 9110, 12.5.3)."""
    for one in codings.lower().replace(" ", "").split(","):
        coding, _, weight = one.partition(";q=")
        if coding == "gzip":
            return (weight or "1").strip("0.") != ""
    return False


@cache
def _gzipped(file: str) -> bytes:
    """Compress a built file, once: none of them changes while the process lives."""
    return gzip.compress((DIST / file).read_bytes(), mtime=0)
