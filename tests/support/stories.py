"""Stories: what a run looks like on the wire, from its first event to its last.

Each has a script here (what the model says, what the backend answers) and its events in `tests/stories/<name>.jsonl`, one
wire event a line, with ids as `<uuid:1>`, `<uuid:2>`, … in order of appearance, adjacent tokens as one, and no `duration_ms`.
What is left when it is over, the JSON answer and the stored messages, is in `tests/stories/transcripts/<name>.json`.
The web client's tests read the same files.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import orjson
from support.backend import TenantBackend
from support.http import Connection, Request
from support.provider import Call, Provider
from support.world import Person, World, open_world

FOLDER = Path(__file__).parent.parent / "stories"
STORED = ("id", "run_id", "role", "text", "status", "tool_calls", "tool_call_id", "tool_name", "is_error", "created_at")
"""Fields that a transcript keeps of a stored message."""
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a story is played. `second_settled` is set when the story's reader has seen a tool call end."""

    provider: Provider
    backend: TenantBackend
    second_settled: asyncio.Event


@dataclass(frozen=True, slots=True)
class Story:
    """`script` prepares the stage for one run of the story; `assistant` is what is special about its assistant.

    A story with a `call` is one of a second version: of a turn that orders tea, which is no part of the story's events.
    """

    name: str
    message: str
    script: Callable[[Stage], None]
    assistant: dict[str, Any] = field(default_factory=dict)
    call: Literal["regenerate", "edit"] | None = None

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.name}.jsonl"

    @property
    def events(self) -> list[Event]:
        """The events as the file has them."""
        return [orjson.loads(line) for line in self.path.read_bytes().splitlines()]

    @property
    def transcript_path(self) -> Path:
        return FOLDER / "transcripts" / f"{self.name}.json"


@asynccontextmanager
async def world_of(story: Story, shared_world: World, folder: Path) -> AsyncIterator[World]:
    """Yield the shared installation, or one with the story's own assistant where that is special."""
    if not story.assistant:
        yield shared_world
        return
    async with open_world(folder, shared_world.provider, shared_world.backend, assistant=story.assistant) as world:
        yield world


async def request_of(story: Story, stage: Stage, ann: Person) -> tuple[str, Event]:
    """Return the path and the body of the request that the story begins with; what has to be there before, is."""
    if story.call is None:
        return "/chat", {"message": story.message}
    _write(stage)
    first = (await ann.ask("Order tea")).json()
    body = {"message_id": first["message_id"], **({"message": story.message} if story.call == "edit" else {})}
    return f"/conversations/{first['conversation_id']}/{story.call}", body


def normalised(events: list[Event]) -> list[Event]:
    """Return events as they stand in a story's file."""
    named: list[Event] = _named(joined(events))
    for event in named:
        if "tool_call" in event:
            event["tool_call"].pop("duration_ms", None)
    return named


def transcript(events: list[Event], answer: Event, messages: list[Event]) -> Event:
    """Return what is left of a run as it stands in a file: ids have the names that they have among its events."""
    kept = [{key: message[key] for key in STORED} | {"created_at": "<time>"} for message in messages]
    named: Event = _named({"events": joined(events), "answer": answer, "messages": kept})
    return {"answer": named["answer"], "messages": named["messages"]}


def _named(value: object) -> Any:
    """Return `value` with its ids as `<uuid:1>`, `<uuid:2>`, … in order of appearance."""
    names: dict[str, str] = {}
    text = orjson.dumps(value).decode()
    return orjson.loads(UUID.sub(lambda match: names.setdefault(match[0], f"<uuid:{len(names) + 1}>"), text))


def joined(events: list[Event]) -> list[Event]:
    """Return events with adjacent tokens, and adjacent reasoning, as one."""
    whole: list[Event] = []
    for event in events:
        for key in ("token", "reasoning"):
            if key in event and whole and key in whole[-1]:
                whole[-1] = {key: whole[-1][key] + event[key]}
                break
        else:
            whole.append(event)
    return whole


def fold(events: list[Event]) -> Event:
    """Return the JSON answer that a client of the stream would put together. Knows the contract, not our code."""
    body: Event = {"success": False, "response": "", "conversation_id": "", "tools_used": []}
    body |= {"suggested_questions": [], "actions": []}
    for event in events:
        match event:
            case {"token": text}:
                body["response"] += text
            case {"reasoning": text}:
                body["reasoning"] = body.get("reasoning", "") + text
            case {"tools_used": names}:
                body["tools_used"] += [name for name in dict.fromkeys(names) if name not in body["tools_used"]]
            case {"action": action}:
                body["actions"].append(action)
            case {"tool_call": _}:
                pass
            case {"status": status, "usage": usage}:
                body |= {"success": status == "completed", "status": status, "usage": usage}
            case _:
                body |= event
    return body


def _text_only(stage: Stage) -> None:
    stage.provider.say("We are ", "open ", "from 9 to 5.")


def _multi_byte(stage: Stage) -> None:
    stage.provider.say("Grüße ", "你", "好 👩‍👩‍👧 ", "a\u2028b\u2029c ", '\\ " \t\n</script>')


def _one_tool(stage: Stage) -> None:
    stage.backend.answer("GET /orders/count", {"count": 42})
    stage.provider.call(Call("count_orders"))
    stage.provider.say("You have ", "**42**", " orders.")


def _two_tools(stage: Stage) -> None:
    """The first tool is slower than the second."""

    async def slow(_request: Request, connection: Connection) -> None:
        await stage.second_settled.wait()
        await connection.respond(200, b'{"number": 7, "item": "tea"}')

    stage.backend.routes["GET /orders/7"] = slow
    stage.backend.answer("GET /orders/count", {"count": 42})
    stage.provider.call(Call("find_order", {"number": 7}, id="a"), Call("count_orders", id="b"))
    stage.provider.say("Order 7 is tea, one of **42**.")


def _text_and_tool(stage: Stage) -> None:
    stage.backend.answer("GET /orders/count", {"count": 42})
    stage.provider.call(Call("count_orders"), text=["Let me ", "look."])
    stage.provider.stream({"content": ""}, {"content": "There are "}, {"content": "42."})


def _two_steps_of_text(stage: Stage) -> None:
    stage.backend.answer("GET /orders/count", {"count": 42})
    stage.backend.answer("GET /orders/7", {"number": 7, "item": "tea"})
    stage.provider.call(Call("count_orders"), text=["First the ", "number."])
    stage.provider.call(Call("find_order", {"number": 7}), text=["**42**. ", "Now the order."])
    stage.provider.say("It is ", "tea.")


def _action(stage: Stage) -> None:
    stage.provider.call(Call("change_theme", {"value": "dark"}))
    stage.provider.say("It is dark now.")


def _tool_and_actions(stage: Stage) -> None:
    stage.backend.answer("GET /orders/7", {"number": 7, "item": "tea"})
    stage.provider.call(Call("find_order", {"number": 7}))
    stage.provider.call(Call("navigate", {"value": "/orders/7"}))
    stage.provider.call(Call("find_order", {"number": 7}))
    stage.provider.say("Here is order 7.")


def _refused_action(stage: Stage) -> None:
    stage.provider.call(Call("change_theme", {"value": "javascript:alert(1)"}))
    stage.provider.say("I cannot do that.")


def _reasoning(stage: Stage) -> None:
    """As DeepSeek, vLLM and others send it."""
    stage.provider.stream(
        {"reasoning_content": "They want "},
        {"reasoning_content": "the hours."},
        {"content": "From 9 "},
        {"content": "to 5."},
    )


def _blocks(stage: Stage) -> None:
    """Content as a list of blocks, as Mistral and others send it."""
    stage.provider.stream(
        {"content": [{"type": "thinking", "thinking": "They want "}]},
        {"content": [{"type": "thinking", "thinking": "the hours."}]},
        {"content": [{"type": "text", "text": "From 9 "}]},
        {"content": [{"type": "text", "text": "to 5."}]},
    )


def _suggestions(stage: Stage) -> None:
    """The model numbers, quotes and repeats its questions, makes one too long, and gives one too many."""
    stage.provider.suggestions = f'1. "How many orders today?"\n- {"far too long " * 5}\n\nHow many orders today?\n- Which is oldest?\nDark mode\nA fourth?'
    stage.provider.say("We are open from 9 to 5.")


def _static_suggestions(stage: Stage) -> None:
    stage.provider.suggestions = ""
    stage.provider.say("We are open from 9 to 5.")


def _title(stage: Stage) -> None:
    stage.provider.title = '"Opening hours"\nwith a second line'
    stage.provider.say("We are open from 9 to 5.")


def _failed_tool(stage: Stage) -> None:
    stage.backend.answer("GET /orders/count", {"detail": "SECRET"}, status=500)
    stage.provider.call(Call("count_orders"), Call("broken", id="call_2"))
    stage.provider.say("I cannot look that up right now.")


def _bad_calls(stage: Stage) -> None:
    """A tool that does not exist, arguments that do not fit, and arguments that are no JSON."""
    stage.provider.call(Call("drop_tables"))
    stage.provider.call(Call("find_order", {"number": "seven"}))
    stage.provider.call(Call("find_order", '{"number": '))
    stage.provider.say("I cannot do that.")


def _write(stage: Stage) -> None:
    stage.backend.answer("POST /orders", {"number": 8, "item": "tea"}, status=201)
    stage.provider.call(Call("create_order", {"item": "tea"}))
    stage.provider.say("Order **8** is made.")


def _regenerated(stage: Stage) -> None:
    stage.provider.say("Order **8** was made ", "before.")


def _edited(stage: Stage) -> None:
    stage.backend.answer("POST /orders", {"number": 9, "item": "coffee"}, status=201)
    stage.provider.call(Call("create_order", {"item": "coffee"}))
    stage.provider.say("Besides order 8, order **9** is made.")


def _failure_midway(stage: Stage) -> None:
    stage.backend.answer("GET /orders/count", {"count": 42})
    stage.provider.call(Call("count_orders"), text=["Let me look."])
    stage.provider.cut("You have ", "**42**")


def _refused(stage: Stage) -> None:
    stage.provider.fail(401)


def _step_limit(stage: Stage) -> None:
    stage.backend.answer("GET /orders/count", {"count": 42})
    stage.provider.call(Call("count_orders"))
    stage.provider.call(Call("count_orders"))


def _cut_by_length(stage: Stage) -> None:
    stage.provider.say("An answer that the provider cut", finish_reason="length")


STORIES = [
    Story("text-only", "When are you open?", _text_only),
    Story("multi-byte", "Say it in all ways", _multi_byte),
    Story("one-tool", "How many orders?", _one_tool),
    Story("two-tools-at-once", "What is order 7, and how many are there?", _two_tools),
    Story("text-and-tool-in-one-turn", "How many orders?", _text_and_tool),
    Story("text-in-every-step", "How many orders, and what is order 7?", _two_steps_of_text),
    Story("action", "Switch to dark mode", _action),
    Story("tool-and-action", "Open order 7", _tool_and_actions),
    Story("refused-action", "Run my script", _refused_action),
    Story("reasoning", "When are you open?", _reasoning),
    Story("blocks", "When are you open?", _blocks),
    Story("suggestions-from-the-model", "When are you open?", _suggestions, {"suggestions": {"static": ["Unused?"]}}),
    Story(
        "static-suggestions",
        "When are you open?",
        _static_suggestions,
        {"suggestions": {"static": ["How many orders?", "What is new?"]}},
    ),
    Story("title-from-the-model", "When are you open?", _title, {"title": "model"}),
    Story("failed-tools", "How many orders?", _failed_tool),
    Story("bad-calls", "Drop the tables", _bad_calls),
    Story("write", "Order tea", _write),
    Story("regenerated", "Order tea", _regenerated, call="regenerate"),
    Story("edited", "Order tea and coffee", _edited, call="edit"),
    Story("provider-fails-midway", "How many orders?", _failure_midway),
    Story("provider-refuses", "When are you open?", _refused),
    Story("step-limit", "How many orders?", _step_limit, {"limits": {"steps": 2, "model_retries": 0}}),
    Story("cut-by-length", "Tell me everything", _cut_by_length),
]
