"""Clients of AG-UI and of the AI SDK whose page runs tools: they hold what the real packages would, and post it as these do."""

from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx2
import orjson
from support.ag_ui import body as thread_body
from support.ag_ui import user
from support.seen import frames_of
from support.world import Person

Told = dict[str, Any]


@dataclass(slots=True)
class Held:
    """The state of an answer, as a page holds it."""

    text: str = ""
    calls: dict[str, dict[str, Any]] = field(default_factory=dict)
    """All calls by their ids, with `name`, `input`, and `result` where ours came."""
    open: list[str] = field(default_factory=list)
    """Ids of the calls that the page is asked for now."""
    questions: list[dict[str, Any]] = field(default_factory=list)


class PageClient(Protocol):
    """A page with one thread."""

    person: Person
    held: Held
    messages: list[Told]
    options: dict[str, Any]
    """Options of ours that it sends with each message."""

    async def ask(self, text: str) -> httpx2.Response:
        """Post a message of the user, with what the page has said meanwhile."""

    def say(self, call_id: str, result: Any = None, *, error: str | None = None) -> None:
        """Keep what the page says of a call, for the next post."""

    async def tell(self) -> httpx2.Response:
        """Post what the page has said."""

    async def answer(self, *, is_yes: bool = True) -> httpx2.Response:
        """Post what the user says to all questions."""

    async def reload(self) -> httpx2.Response:
        """Come back with an empty page."""


class AgUiPage:
    """A thread of AG-UI; `tools` are all that the page has."""

    def __init__(self, person: Person, tools: list[Told]) -> None:
        self.person, self.held = person, Held()
        self.tools = [{**one, "parameters": one.get("schema", {"type": "object", "properties": {}})} for one in tools]
        self.messages: list[Told] = []
        self.options: dict[str, Any] = {}

    async def ask(self, text: str) -> httpx2.Response:
        self.messages.append(user(text))
        self.held.text = ""
        return await self._post()

    def say(self, call_id: str, result: Any = None, *, error: str | None = None) -> None:
        text = result if isinstance(result, str) else orjson.dumps(result).decode()
        self.messages = [one for one in self.messages if one.get("id") != f"page-{call_id}"]
        said = {"id": f"page-{call_id}", "role": "tool", "toolCallId": call_id, "content": error or text}
        self.messages.append({**said, **({"error": error} if error else {})})

    async def tell(self) -> httpx2.Response:
        return await self._post()

    async def answer(self, *, is_yes: bool = True) -> httpx2.Response:
        said = {"status": "resolved", "payload": {"approved": is_yes}}
        return await self._post(resume=[{"interruptId": one["id"], **said} for one in self.held.questions])

    async def reload(self) -> httpx2.Response:
        self.messages, self.held = [], Held()
        return await self._post()

    async def _post(self, **more: Any) -> httpx2.Response:
        answer = await self.person.request(
            "POST", "/ag-ui", json=thread_body(*self.messages, tools=self.tools, forwardedProps=self.options, **more)
        )
        if answer.status_code == 200:
            self.held.open, self.held.questions = [], []
            for event in map(orjson.loads, (data for _, data in frames_of(answer.content))):
                self._apply(event)
            self.held.open = [one for one, call in self.held.calls.items() if not self._is_settled(one, call)]
            if self.held.questions:
                self.held.open = [one for one in self.held.open if self.held.calls[one]["own"]]
        return answer

    def _is_settled(self, call_id: str, call: Told) -> bool:
        return "result" in call or any(
            one.get("toolCallId") == call_id for one in self.messages if one["role"] == "tool"
        )

    def _apply(self, event: Told) -> None:
        match event["type"]:
            case "MESSAGES_SNAPSHOT":
                self.messages = list(event["messages"])
            case "TEXT_MESSAGE_CONTENT":
                self.held.text += event["delta"]
                self._message(event["messageId"])["content"] += event["delta"]
            case "TOOL_CALL_START":
                call_id, parent = event["toolCallId"], event["parentMessageId"]
                assert call_id not in self.held.calls, "a call is told once"
                made = {"id": call_id, "type": "function", "function": {"name": event["toolCallName"], "arguments": ""}}
                self._message(parent).setdefault("toolCalls", []).append(made)
                self.held.calls[call_id] = {"name": event["toolCallName"], "own": parent == call_id, "input": ""}
            case "TOOL_CALL_ARGS":
                self.held.calls[event["toolCallId"]]["input"] = orjson.loads(event["delta"])
            case "TOOL_CALL_RESULT":
                assert not self._is_settled(event["toolCallId"], {}), "a result is told once"
                self.held.calls[event["toolCallId"]]["result"] = event["content"]
                said = {"id": event["messageId"], "role": "tool", "toolCallId": event["toolCallId"]}
                self.messages.append({**said, "content": event["content"]})
            case "RUN_FINISHED":
                outcome = event.get("outcome") or {}
                self.held.questions = [*self.held.questions, *outcome.get("interrupts", ())]

    def _message(self, message_id: str) -> Told:
        for one in self.messages:
            if one["id"] == message_id:
                return one
        self.messages.append({"id": message_id, "role": "assistant", "content": ""})
        return self.messages[-1]


class AiSdkPage:
    """A chat of the AI SDK 6; `tools` are all that the page has, without words of their own for those of the file's."""

    def __init__(self, person: Person, tools: list[Told]) -> None:
        self.person, self.tools, self.held = person, tools, Held()
        self.messages: list[Told] = []
        self.options: dict[str, Any] = {}

    async def ask(self, text: str) -> httpx2.Response:
        said = {"id": f"u{len(self.messages)}", "role": "user", "parts": [{"type": "text", "text": text}]}
        self.messages.append(said)
        self.held.text = ""
        return await self._post()

    def say(self, call_id: str, result: Any = None, *, error: str | None = None) -> None:
        said = {"state": "output-available", "output": result}
        self._part(call_id).update({"state": "output-error", "errorText": error} if error else said)

    async def tell(self) -> httpx2.Response:
        return await self._post(messageId=self.messages[-1]["id"])

    async def answer(self, *, is_yes: bool = True) -> httpx2.Response:
        for one in self.held.questions:
            said = {"id": one["approvalId"], "approved": is_yes}
            self._part(one["toolCallId"]).update({"state": "approval-responded", "approval": said})
        return await self.tell()

    async def reload(self) -> httpx2.Response:
        self.messages = [one for one in self.messages if one["role"] == "user"]
        self.held = Held()
        return self._read(await self.person.request("GET", "/ai-sdk/chat/chat-1/stream?v=6"))

    async def _post(self, **more: Any) -> httpx2.Response:
        asked = {"id": "chat-1", "messages": self.messages, "trigger": "submit-message", "client_tools": self.tools}
        return self._read(await self.person.request("POST", "/ai-sdk/chat?v=6", json={**asked, **self.options, **more}))

    def _read(self, answer: httpx2.Response) -> httpx2.Response:
        if answer.status_code == 200:
            self.held.open, self.held.questions = [], []
            for data in (data for _, data in frames_of(answer.content) if data != "[DONE]"):
                self._apply(orjson.loads(data))
        return answer

    def _apply(self, chunk: Told) -> None:
        match chunk["type"]:
            case "start" if self.messages[-1]["id"] != chunk["messageId"]:
                self.messages.append({"id": chunk["messageId"], "role": "assistant", "parts": []})
            case "start-step":
                self.messages[-1]["parts"].append({"type": "step-start"})
            case "text-delta":
                self.held.text += chunk["delta"]
                self.messages[-1]["parts"].append({"type": "text", "text": chunk["delta"], "state": "done"})
            case "tool-input-available":
                self._input(chunk)
            case "tool-output-available" | "tool-output-error":
                result = chunk.get("output", chunk.get("errorText"))
                assert "result" not in self.held.calls[chunk["toolCallId"]], "a result is told once"
                self.held.calls[chunk["toolCallId"]]["result"] = result
                self._part(chunk["toolCallId"]).update(state=chunk["type"].removeprefix("tool-"), output=result)
            case "tool-approval-request":
                self.held.questions.append(chunk)
            case "error":
                raise AssertionError(chunk)

    def _input(self, chunk: Told) -> None:
        call_id, is_ours = chunk["toolCallId"], chunk["providerExecuted"]
        if not is_ours:
            assert call_id not in self.held.open
            self.held.open.append(call_id)
        call = {"name": chunk["toolName"], "own": not chunk.get("dynamic"), "input": chunk["input"]}
        self.held.calls[call_id] = {**self.held.calls.get(call_id, {}), **call}
        kind = "dynamic-tool" if chunk.get("dynamic") else f"tool-{chunk['toolName']}"
        made = {"type": kind, "toolCallId": call_id, "state": "input-available", "input": chunk["input"]}
        parts = self.messages[-1]["parts"]
        parts[:] = [one for one in parts if one.get("toolCallId") != call_id]
        parts.append({**made, "providerExecuted": is_ours})

    def _part(self, call_id: str) -> Told:
        [part] = [
            one for message in self.messages for one in message.get("parts", ()) if one.get("toolCallId") == call_id
        ]
        found: Told = part
        return found

    def would_post_again(self) -> bool:
        """Whether `lastAssistantMessageIsCompleteWithToolCalls` of the package would let the page post at once."""
        parts = self.messages[-1].get("parts", [])
        steps = [at for at, one in enumerate(parts) if one["type"] == "step-start"]
        own = [one for one in parts[steps[-1] if steps else 0 :] if "toolCallId" in one and not one["providerExecuted"]]
        return bool(own) and all(one["state"] in ("output-available", "output-error") for one in own)
