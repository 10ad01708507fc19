"""An installation below a path of somebody's host, as `https://app.example.com/assistant`, behind a proxy that may take the path off or leave it on."""

from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.errors import ConfigurationError


class BelowPath:
    """Takes the path off what is asked where the proxy left it on, and puts it before the places that answers name.

    `is_ours` says that the path alone is one of ours, too, as `/assistant`: asked without more behind it, it is that.
    """

    def __init__(self, app: ASGIApp, *, root_path: str, is_ours: bool) -> None:
        self._app = app
        self._root = root_path
        self._raw_root = root_path.encode()
        self._is_ours = is_ours

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
        if path.startswith(f"{self._root}/") or (path == self._root and not self._is_ours):
            raw = scope.get("raw_path") or path.encode()
            scope = {
                **scope,
                "path": path[len(self._root) :] or "/",
                "raw_path": raw.removeprefix(self._raw_root) or b"/",
            }
        await self._app(scope, receive, send_with_place)


def check_mounts(mounts: Iterable[str], paths: Iterable[str]) -> None:
    """Refuse a path of a backend that is one of ours: whoever asks there would get now the one and now the other.

    Raises:
        ConfigurationError: one of `mounts` begins as one of `paths` does.
    """
    own = {path.split("/")[1] for path in paths}
    for mount in mounts:
        if mount.split("/")[1] in own:
            raise ConfigurationError(
                f"backend.mount: {mount} is a path of Frontdesk's own; name another one, like /backend"
            )


def check_root_path(root_path: str, paths: Iterable[str]) -> None:
    """Refuse a path below which one of ours could be: nobody could tell a request for that from one below the path.

    Raises:
        ConfigurationError: one of `paths` begins as it does, and goes on.
    """
    first = root_path.split("/")[1]
    if first in {path.split("/")[1] for path in paths if path != root_path}:
        raise ConfigurationError(
            f"FRONTDESK_ROOT_PATH: /{first} is a path of Frontdesk's own; name another, like /assistant"
        )
