"""Events of what comes beside an answer's words: actions of the page, files, and where something comes from."""

from agent.events.root import Event


class ActionRequested(Event, frozen=True, tag="action.requested"):
    """The page is to do something, once per `id`."""

    type: str
    value: str
    id: str
    expects_result: bool | None = None
    """Whether the page says what came of it, as of a tool of its own."""


class FileGiven(Event, frozen=True, tag="file.given"):
    """A tool gave a file or a picture, which is kept; its bytes are at `GET /files/{id}`, for the run's user alone."""

    id: str
    name: str
    media_type: str
    bytes: int
    tool_call_id: str


class SourceCited(Event, frozen=True, tag="source.cited"):
    """A tool's result, or the provider, names where something comes from. Each address is told once of an answer.

    All of it is somebody else's words: `url` is http or https, up to 2,000 characters; `title` up to 200, `snippet` up to 500.
    """

    id: str
    """Follows from the address."""
    title: str
    url: str
    snippet: str = ""
    tool_call_id: str | None = None
    """Whose result names it; None: the provider does."""
