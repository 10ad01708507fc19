"""Stands in for the API of any OpenAPI document: each operation answers with the document's own example, or one made of its schema.

The invariant: the same request gets the same answer, always, and none without a token that this installation signed. Nothing
is kept, so what changes something only says that it did.
"""

import argparse
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jwt
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from api.settings import Settings, load_settings
from examples.cloud.samples import sample
from tools.openapi.document import Document, Entry, read_document

DOCUMENT = Path(__file__).parents[2] / ".documents" / "digitalocean.com.json"
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def create_app(settings: Settings) -> FastAPI:
    """Return the stand-in for DigitalOcean's API, which `scripts/documents` fetches the description of."""
    return stand_in(DOCUMENT, settings.secret)


def stand_in(path: Path, secret: str) -> FastAPI:
    """Return an app that answers as a document says, to tokens that are signed with a secret (HS256)."""
    document = read_document(path.read_bytes())
    entries = sorted((_routed(one) for one in document.entries() if isinstance(one, Entry)), key=lambda one: one[0])
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    async def answer(request: Request) -> Response:
        if not _is_signed(request.headers.get("Authorization", ""), secret):
            return JSONResponse({"message": "Unable to authenticate you."}, 401)
        here = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
        for _, pattern, entry in entries:
            if entry.method.upper() == request.method and pattern.fullmatch(here):
                return _answered(document, entry)
        return JSONResponse({"message": "The resource you were accessing could not be found."}, 404)

    app.add_route("/{path:path}", answer, methods=METHODS)
    return app


def _routed(entry: Entry) -> tuple[int, re.Pattern[str], Entry]:
    """Return an operation with what its path looks like; those with fewer blanks are looked at first."""
    parts = re.split(r"\{[^{}]*\}", entry.path)
    return len(parts), re.compile("[^/]+".join(map(re.escape, parts))), entry


def _is_signed(header: str, secret: str) -> bool:
    try:
        jwt.decode(header.removeprefix("Bearer "), secret, ["HS256"], options={"require": ["exp"], "verify_aud": False})
    except jwt.InvalidTokenError:
        return False
    return True


def _answered(document: Document, entry: Entry) -> Response:
    """Return the first answer of an operation that is a success."""
    responses = entry.operation.get("responses", {})
    code = min((code for code in map(str, responses) if re.fullmatch("2[0-9]{2}", code)), default="204")
    content = document.followed(responses.get(code, {})).get("content", {})
    for media_type, media in content.items():
        if "json" in media_type:
            return JSONResponse(_example(document, media), int(code))
    return Response(status_code=204)


def _example(document: Document, media: Mapping[str, Any]) -> Any:
    """Return what a document gives as an example of an answer, else one that is made."""
    return next(_given(document, media), None) or sample(document, media.get("schema", {}))


def _given(document: Document, media: Mapping[str, Any]) -> Iterator[Any]:
    if "example" in media:
        yield media["example"]
    for one in media.get("examples", {}).values():
        yield document.followed(one).get("value")


def main() -> None:
    """Run from the command line, for tokens of `frontdesk token`."""
    parser = argparse.ArgumentParser(prog="python -m examples.cloud.backend", description=__doc__)
    parser.add_argument("document", type=Path, help="an OpenAPI document, JSON or YAML")
    parser.add_argument("--port", type=int, default=9000)
    chosen = parser.parse_args()
    uvicorn.run(stand_in(chosen.document, load_settings().secret), port=chosen.port)


if __name__ == "__main__":
    main()
