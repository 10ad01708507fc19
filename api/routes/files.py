"""Files: sent before the message that has them, fetched with the same token, deleted while no message has them."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from agent.errors import NotFoundError, OverloadedError, RateLimitedError
from agent.file_errors import FileTooLargeError, UnsupportedFileError
from agent.files.kinds import PICTURES
from agent.files.room import away, no_room
from agent.files.storage import StorageError
from agent.store.attachments import File
from api.dependencies import InstallationDep, PrincipalDep
from api.errors import PROBLEMS, problems_of
from api.file_views import note_of, offer_of
from api.handover import hold
from api.uploads import receive_file

router = APIRouter(tags=["files"], responses=PROBLEMS)

FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}
REFUSED = problems_of(FileTooLargeError, UnsupportedFileError, RateLimitedError, OverloadedError)
CONTENT: dict[int | str, dict[str, Any]] = {
    200: {"description": "The bytes: a picture as it was made anew, anything else as it came.", "content": {"*/*": {}}}
}
INERT = "sandbox; default-src 'none'"
"""The policy of a page that a file may pretend to be: it does nothing."""


class FileView(BaseModel):
    """A file that is kept, and that no message has yet."""

    id: UUID
    name: str
    media_type: str
    bytes: int
    created_at: datetime
    note: str | None = Field(default=None, description="what of it is not read, in words for its user; null: all is")


@router.post("/files", status_code=201, openapi_extra=FORM, responses=REFUSED)
async def send_file(request: Request, principal: PrincipalDep, services: InstallationDep) -> FileView:
    """Take a file for a message to come. What its bytes are decides what it is; a picture is made anew."""
    offer = offer_of(services, principal)
    if offer is None:
        raise NotFoundError("No assistant takes files here.")
    files = services.files
    await services.uploads.hit({"uploads": (principal.tenant_id, principal.user_id)}, scope=request.scope)
    hold(request, await services.upload_seats.take(principal.tenant_id, principal.user_id))
    await files.check_room(principal)
    try:
        async with files.spool.place() as arrived:
            name = await receive_file(request, arrived, most_bytes=files.limits.file_bytes)
            kept = await files.take(principal, arrived, name, kinds=offer.kinds)
    except OSError as exc:
        raise no_room(exc) from exc
    return FileView(
        id=kept.id,
        name=kept.name,
        media_type=kept.media_type,
        bytes=kept.bytes,
        created_at=kept.created_at,
        note=note_of(kept, offer),
    )


@router.get("/files/{file_id}", response_class=Response, responses=CONTENT)
async def read_file(file_id: UUID, principal: PrincipalDep, services: InstallationDep) -> Response:
    """Return a file's bytes, as its user's: one that came with a message, one that a tool gave, or one that waits for its message."""
    file = await services.files.get(principal, file_id)
    pieces = services.files.content(file)
    try:
        first = await anext(pieces, b"")  # here, while another answer can still be given
    except StorageError as exc:
        raise away(exc) from exc

    async def body() -> AsyncIterator[bytes]:
        async with aclosing(pieces):
            yield first
            async for piece in pieces:
                yield piece

    return StreamingResponse(body(), headers=_headers(file))


@router.delete("/files/{file_id}", status_code=204)
async def delete_file(file_id: UUID, principal: PrincipalDep, services: InstallationDep) -> Response:
    """Delete a file that no message has."""
    await services.files.delete(principal, file_id)
    return Response(status_code=204)


def _headers(file: File) -> dict[str, str]:
    """Return what keeps a browser from doing anything with a file but to show a picture, or to save it."""
    how = "inline" if file.media_type in PICTURES else "attachment"
    return {
        "Content-Type": file.media_type,  # and no charset: nobody has said in which one a text is
        "Content-Length": str(file.bytes),
        "Content-Disposition": f"{how}; filename*=UTF-8''{quote(file.name, safe='')}",
        "Content-Security-Policy": INERT,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }
