"""The files that `web/` was built into, as they are handed out.

`web/dist/manifest.json` is the list of what there is: name -> the same name with its content's hash. Only what it lists
is handed out, so no path can lead anywhere else. Files, tags, times and conditional requests are starlette's
`StaticFiles`; why compressing is not its `GZipMiddleware`'s: docs/decisions/2026-11-28-built-files-are-compressed-once.md.
"""

import gzip
from pathlib import Path

import orjson
from anyio import to_thread
from fastapi import Request, Response
from starlette.staticfiles import StaticFiles

from agent.errors import ConfigurationError, NotFoundError
from api.encodings import takes_gzip

DIST = Path(__file__).parents[1] / "web" / "dist"
ARCHIVE = ".tgz"
"""An npm package. Its bytes are never encoded on the way: some installers hash what came and not what it was."""
MEDIA_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ARCHIVE: "application/gzip",
}
"""Media types of files handed out under /static/. Said here, because the machine's own table may know other types or none."""

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


class BuiltFiles:
    """The built files of one app. The manifest is read when this is made; a new build needs a new process.

    Raises:
        ConfigurationError: there is no manifest, or it is none.
    """

    def __init__(self, directory: Path = DIST) -> None:
        self._directory = directory
        self._hashed = _read_manifest(directory / "manifest.json")
        self._files = StaticFiles(directory=directory, check_dir=False)
        self._gzipped: dict[str, bytes] = {}

    async def page(self, name: str, request: Request) -> Response:
        """Return a page of the manifest, as it is and without headers of its own."""
        return await self._files.get_response(self._hashed[name], request.scope)

    async def asset(self, name: str, request: Request) -> Response:
        """Return a file: for good under its hashed name, for a moment under its plain one.

        Raises:
            NotFoundError: the manifest has no such file, or it is a page.
        """
        media_type = MEDIA_TYPES.get(Path(name).suffix)
        is_plain = name in self._hashed
        if media_type is None or not (is_plain or name in self._hashed.values()):
            raise NotFoundError("There is no such file.")
        file = await self._response(self._hashed.get(name, name), request)
        keep = f"max-age={NAMED_KEEP_S}" if is_plain else f"max-age={YEAR_S}, immutable"
        file.headers.update({**PUBLIC, "Cache-Control": f"public, {keep}"})
        if file.status_code != 304:
            file.headers["Content-Type"] = media_type
        return file

    async def _response(self, hashed: str, request: Request) -> Response:
        """Return a file in the encoding that was asked for, or that it has not changed."""
        file = await self._files.get_response(hashed, request.scope)
        tag = f"W/{file.headers['etag']}"  # weak: one tag for both encodings
        is_encoded = not hashed.endswith(ARCHIVE) and takes_gzip(request.headers.get("accept-encoding", ""))
        if file.status_code != 304 and is_encoded:
            known = {"Content-Encoding": "gzip", "Last-Modified": file.headers["last-modified"]}
            file = Response(await to_thread.run_sync(self._compressed, hashed), headers=known)
        file.headers["ETag"] = tag
        return file

    def _compressed(self, hashed: str) -> bytes:
        """Compress a file, once: none of them changes while the process lives."""
        if hashed not in self._gzipped:
            self._gzipped[hashed] = gzip.compress((self._directory / hashed).read_bytes(), mtime=0)
        return self._gzipped[hashed]


def _read_manifest(path: Path) -> dict[str, str]:
    try:
        manifest: dict[str, str] = orjson.loads(path.read_bytes())
    except (OSError, ValueError) as exc:
        raise ConfigurationError(f"the built files are not there ({path}); run scripts/web build") from exc
    return manifest
