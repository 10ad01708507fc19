"""An installation below a path of somebody's host, as `https://app.example.com/assistant`, behind a proxy that may take the path off or leave it on."""

from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.errors import ConfigurationError


class BelowPath:
    """Takes the path off what is asked where the proxy left it on, and puts it before the places that answers name."""

    def __init__(self, app: ASGIApp, *, root_path: str) -> None:
        self._app = app
        self._root = root_path
        self._raw_root = root_path.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return

        async def send_with_place(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    (name, self._raw_root + value if name.lower() == b"location" and value[:1] == b"/" else value)
                    for name, value in message["headers"]
                ]
            await send(message)

        path: str = scope["path"]
        if path == self._root or path.startswith(f"{self._root}/"):
            raw = scope.get("raw_path") or path.encode()
            scope = {
                **scope,
                "path": path[len(self._root) :] or "/",
                "raw_path": raw.removeprefix(self._raw_root) or b"/",
            }
        await self._app(scope, receive, send_with_place)


def check_root_path(root_path: str, paths: Iterable[str]) -> None:
    """Refuse a path that could be one of ours: nobody could tell a request below it from one for that.

    Raises:
        ConfigurationError: it begins as one of `paths` does.
    """
    first = root_path.split("/")[1]
    if first in {path.split("/")[1] for path in paths}:
        raise ConfigurationError(
            f"FRONTDESK_ROOT_PATH: /{first} is a path of Frontdesk's own; name another, like /assistant-of-ours"
        )
