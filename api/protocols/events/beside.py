"""Events of what comes beside an answer's words: actions of the page, files, and where something comes from."""

import msgspec

from api.protocols.events.root import Told


class ShownAction(msgspec.Struct, gc=False):
    """An action that was asked for."""

    id: str
    action: str
    value: str


class Action(Told, tag="action"):
    """The page is to do something, once for each `id`."""

    id: str
    action: str
    value: str


class File(Told, tag="file"):
    """A tool gave a file or a picture; its bytes are at `GET /files/{id}`, for the run's user alone."""

    id: str
    name: str
    media_type: str
    bytes: int
    tool_call_id: str


class ShownSource(msgspec.Struct, gc=False, omit_defaults=True):
    """A source that was cited."""

    id: str
    title: str
    url: str
    snippet: str = ""
    block_id: str | None = None


class Source(Told, tag="source"):
    """A tool's result, whose call `block_id` names, or the provider says where something comes from: once for each `id`.

    It is somebody else's text: make no link of `url`, which is http or https, unless its host is one that you know.
    """

    id: str
    title: str
    url: str
    snippet: str = ""
    block_id: str | None = None
