"""Firefox by WebDriver BiDi: its tabs, real keys and clicks in them, and what goes wrong there.

Firefox speaks the protocol itself; a WebSocket and a few commands are all of it.
"""

import asyncio
import json
import re
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import anyio

FIREFOX = "/usr/bin/firefox-esr"
"""Debian's, installed by scripts/foreign."""
TIME_LIMIT_S = 90.0
KEYS = {"Enter": "\ue007", "Escape": "\ue00c", "Control": "\ue009", "Shift": "\ue008", "Tab": "\ue004"}
PREFERENCES: dict[str, bool | int | str] = {
    "ui.prefersReducedMotion": 1,
    # It asks nobody but the page's hosts.
    "app.update.disabledForTesting": True,
    "browser.safebrowsing.downloads.remote.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.safebrowsing.update.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.systemAddon.update.enabled": False,
    "extensions.update.enabled": False,
    "media.gmp-manager.updateEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,none",
}
TOUCH: dict[str, bool | int | str] = {"ui.primaryPointerCapabilities": 1, "ui.allPointerCapabilities": 1}
"""Preferences under which `(pointer: coarse)` holds, as on a phone."""
LISTENING = re.compile(rb"BiDi listening on (ws://\S+)")
FIND = """
    const trees = () => [document, ...[...document.querySelectorAll("frontdesk-chat")].flatMap((one) => one.shadowRoot ?? [])];
    const all = (selector) => trees().flatMap((tree) => [...tree.querySelectorAll(selector)]).filter((one) => one.checkVisibility());
    const one = (selector) => all(selector)[0] ?? null;
"""
"""Functions that find what is shown, also in the widget's own tree; each function that a test runs has them."""
PLACE = """(selector) => {
    const found = one(selector);
    if (found === null) return null;
    found.scrollIntoView({ block: "nearest" });
    const box = found.getBoundingClientRect();
    const [x, y] = [Math.round(box.left + box.width / 2), Math.round(box.top + box.height / 2)];
    const hit = found.getRootNode().elementFromPoint(x, y);
    return hit !== null && (found === hit || found.contains(hit)) ? [x, y] : null;
}"""
"""The middle of what can be clicked, or null as long as it is not there or something lies over it."""


@dataclass(slots=True, eq=False)
class Firefox:
    """A process of Firefox, with a connection to it."""

    _socket: aiohttp.ClientWebSocketResponse
    problems: list[str] = field(default_factory=list)
    """Errors and warnings of all pages since the test began."""
    forgiven: list[str] = field(default_factory=list)
    _numbers: Callable[[], int] = field(default_factory=lambda: count(1).__next__)
    _waiting: dict[int, asyncio.Future[Any]] = field(default_factory=dict)

    async def listen(self) -> None:
        """Take what Firefox says until the connection ends."""
        async for message in self._socket:
            said = json.loads(message.data)
            waiting = self._waiting.pop(said.get("id"), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(said)
            elif said.get("method") == "log.entryAdded" and said["params"]["level"] in ("error", "warn"):
                self._note(f"{said['params']['type']}: {said['params']['text']}")

    def _note(self, problem: str) -> None:
        if not any(expected in problem for expected in self.forgiven):
            self.problems.append(problem)

    async def send(self, method: str, **params: Any) -> Any:
        """Send a command and return its result.

        Raises:
            AssertionError: Firefox refused it.
        """
        number = self._numbers()
        self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": params})
        async with asyncio.timeout(TIME_LIMIT_S):
            said = await self._waiting[number]
        assert said["type"] == "success", f"{method}: {said['error']}: {said['message']}"
        return said["result"]

    async def contexts(self, profile: str) -> list[dict[str, Any]]:
        """Return the tabs of a profile, each with its frames as `children`."""
        tree = await self.send("browsingContext.getTree")
        return [one for one in tree["contexts"] if one["userContext"] == profile]

    def forgive(self, expected: str) -> None:
        """Forget the problems of this tab that say this, also those to come: the test has caused them."""
        self.forgiven.append(expected)
        self.problems[:] = [problem for problem in self.problems if expected not in problem]


@dataclass(slots=True)
class Page:
    """A tab or a frame in one."""

    browser: Firefox
    id: str
    profile: str
    """Which tabs it shares its storage with."""

    async def goto(self, url: str) -> None:
        """Load an address, with all that belongs to the page."""
        await self.browser.send("browsingContext.navigate", context=self.id, url=url, wait="complete")

    async def reload(self) -> None:
        await self.browser.send("browsingContext.reload", context=self.id, wait="complete")

    async def look(self) -> None:
        """Bring the tab to the front; another one is hidden by it."""
        await self.browser.send("browsingContext.activate", context=self.id)

    async def resize(self, width: int, height: int) -> None:
        viewport = {"width": width, "height": height}
        await self.browser.send("browsingContext.setViewport", context=self.id, viewport=viewport)

    async def run(self, function: str, *arguments: object, by_hand: bool = False) -> Any:
        """Run a function in the page and return what it returns, as JSON has it.

        Raises:
            AssertionError: it threw.
        """
        declaration = (
            f"async (json) => {{ {FIND} return JSON.stringify((await ({function})(...JSON.parse(json))) ?? null); }}"
        )
        result = await self.browser.send(
            "script.callFunction",
            functionDeclaration=declaration,
            arguments=[{"type": "string", "value": json.dumps(arguments)}],
            target={"context": self.id},
            awaitPromise=True,
            userActivation=by_hand,
        )
        assert result["type"] == "success", result["exceptionDetails"]["text"]
        return json.loads(result["result"]["value"])

    async def value(self, expression: str) -> Any:
        """Return the value of an expression."""
        return await self.run(f"() => ({expression})")

    async def becomes(self, expression: str, wanted: object = True) -> None:
        """Wait until an expression has this value."""
        found = None
        try:
            async with asyncio.timeout(TIME_LIMIT_S):
                while (found := await self.value(expression)) != wanted:  # noqa: ASYNC110 (it is the page's)
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"{expression} is {found!r}, not {wanted!r}") from None

    async def click(self, selector: str, *, times: int = 1) -> None:
        """Click with the mouse as soon as nothing lies over it; `times` quickly one after the other."""
        await self.becomes(f"({PLACE})({json.dumps(selector)}) !== null")
        x, y = await self.run(PLACE, selector)
        button = [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        actions = [{"type": "pointerMove", "x": x, "y": y}, *button * times]
        await self._perform({"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}}, actions)

    async def type(self, text: str) -> None:
        """Press the keys of a text, one after the other."""
        await self._press([step for key in text for step in (("keyDown", key), ("keyUp", key))])

    async def press(self, *keys: str) -> None:
        """Press keys together, the last one while the others are held."""
        named = [KEYS.get(key, key) for key in keys]
        await self._press([("keyDown", key) for key in named] + [("keyUp", key) for key in reversed(named)])

    async def _press(self, steps: list[tuple[str, str]]) -> None:
        await self._perform({"type": "key", "id": "keys"}, [{"type": what, "value": key} for what, key in steps])

    async def _perform(self, source: dict[str, Any], actions: list[dict[str, Any]]) -> None:
        await self.browser.send("input.performActions", context=self.id, actions=[{**source, "actions": actions}])

    async def duplicate(self, *, is_beside: bool = False) -> "Page":
        """Open the same page in a second tab, with a copy of what the tab has stored: in front, or in a window beside it."""
        known = {one["context"] for one in await self.browser.contexts(self.profile)}
        features = "popup" if is_beside else ""
        await self.run("(features) => void window.open(location.href, '', features)", features, by_hand=True)
        async with asyncio.timeout(TIME_LIMIT_S):
            while True:
                opened = [one for one in await self.browser.contexts(self.profile) if one["context"] not in known]
                if opened and opened[0]["url"] != "about:blank":
                    return Page(self.browser, opened[0]["context"], self.profile)
                await asyncio.sleep(0.02)

    async def frame(self) -> "Page":
        """Return the page's first frame."""
        tabs = await self.browser.contexts(self.profile)
        children = next(one["children"] for one in tabs if one["context"] == self.id)
        return Page(self.browser, children[0]["context"], self.profile)


@asynccontextmanager
async def open_firefox(folder: Path, preferences: dict[str, bool | int | str] | None = None) -> AsyncIterator[Firefox]:
    """Start Firefox with a new profile in `folder`; it is gone when the block ends."""
    lines = (
        f"user_pref({json.dumps(name)}, {json.dumps(value)});"
        for name, value in (PREFERENCES | (preferences or {})).items()
    )
    await anyio.Path(folder / "user.js").write_text("\n".join(lines))
    command = (FIREFOX, "--headless", "--no-remote", "--profile", str(folder), "--remote-debugging-port", "0")
    process = await asyncio.create_subprocess_exec(
        *command, "about:blank", stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE, env={"HOME": str(folder), "MOZ_CRASHREPORTER_DISABLE": "1"}
    )  # fmt: skip
    tasks: list[asyncio.Task[object]] = []
    try:
        url = await _address(process)
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{url}/session", max_msg_size=0) as socket:
            browser = Firefox(socket)
            tasks = [asyncio.create_task(browser.listen()), asyncio.create_task(_drain(process))]
            await browser.send("session.new", capabilities={})
            await browser.send("session.subscribe", events=["log.entryAdded"])
            yield browser
            process.kill()
            await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _drain(process: Process) -> None:
    assert process.stderr is not None
    async for _ in process.stderr:
        pass


async def _address(process: Process) -> str:
    assert process.stderr is not None
    async with asyncio.timeout(TIME_LIMIT_S):
        async for line in process.stderr:
            if (said := LISTENING.search(line)) is not None:
                return said.group(1).decode()
    raise AssertionError("Firefox ended before it listened")


@asynccontextmanager
async def new_page(browser: Firefox) -> AsyncIterator[Page]:
    """Yield an empty tab with a profile of its own. At the end nothing has gone wrong in any page."""
    browser.problems.clear()
    browser.forgiven.clear()
    profile = (await browser.send("browser.createUserContext"))["userContext"]
    made = await browser.send("browsingContext.create", type="tab", userContext=profile)
    yield Page(browser, made["context"], profile)
    await browser.send("browser.removeUserContext", userContext=profile)
    assert not browser.problems, browser.problems
