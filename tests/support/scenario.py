"""A model and a business that act by what they are told in the user's message, not by a queue of scripts.

After a crash nobody knows how often the model will be asked. So the message itself says what is to happen: `Plan` in JSON
behind the tenant's mark. The model looks at the transcript it is given and does the plan's next step; the answer is made of
the results. The business acts only for the tenant of the token, and tells the history what it did.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import anyio
import jwt
import orjson
from support.balancing import Balancer, balancer
from support.history import ASKED, Effect, History
from support.http import Connection, Request, listen
from support.processes import Machine, Nurseries, Nursery, Place
from support.provider import violations
from support.schema import give_schema
from support.world import ASSISTANT, MARKER, SECRET, write_assistant

from agent.prompt.words import SUGGESTIONS_REQUEST, SUMMARY_REQUEST, unfenced, without_facts

PROVIDER_SECRET = "SECRET-PROVIDER-TEXT"
ORDER = 7
ASIDE = 1_000_000 - 5
"""Tokens given for follow-up questions and summaries: with those said a million, so that sums tell it from what runs took."""
APPROVER = "owner"
"""The role of those who approve what others ask for; nobody else has it."""
ASKING = {"python": "support.asking_tools", "tools": {"order_after_another": {"approvers": [APPROVER]}}}

OPEN_PAGE = {"description": "Open a page.", "values": {"/orders": "the orders"}, "expects_result": True}


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of one turn. `steps` are the numbers of reads, writes and page actions to ask for at once, step by step."""

    name: str
    steps: tuple[tuple[int, int, int], ...] = ()
    pieces: int = 3
    """of the answer's text"""
    pause_ms: int = 0
    """before each piece of an answer, and of words before tool calls"""
    words: bool = False
    """whether the model says something before it asks for tools"""
    failures: int = 0
    """how often the provider fails before it answers"""
    asks: bool = False
    """whether the user is asked before each write"""
    pages: bool = False
    """whether the user's page is asked in each step, by a tool and by an action that it answers"""

    def message(self, mark: str) -> str:
        """Return the user's message."""
        return f"{mark} {orjson.dumps(asdict(self)).decode()}"

    @property
    def writes(self) -> int:
        return sum(writes for _, writes, _ in self.steps)


def mark_of(tenant: str) -> str:
    """Return the text that stands in everything of a tenant's, and in nothing of another's."""
    return f"mark-{tenant}-mark"


@dataclass(slots=True)
class Model:
    """The provider: strict, and obedient to the plan in the last user message."""

    history: History
    url: str = ""
    calls: int = 0
    failed: Counter[str] = field(default_factory=Counter)

    async def handle(self, request: Request, connection: Connection) -> None:
        """Serve one request."""
        self.calls += 1
        body = request.json
        messages = body["messages"]
        if str(messages[-1]["content"]).endswith(SUMMARY_REQUEST):
            marks = [mark for mark in self.history.marks.values() if mark.encode() in request.body]
            await _stream(connection, [{"content": f"{mark}, so far. "} for mark in marks], given=ASIDE)
            return
        asked_for_questions = messages[-1]["content"] == SUGGESTIONS_REQUEST
        spoken = [n for n, message in enumerate(messages) if message["role"] == "user"]
        last = spoken[-2] if asked_for_questions else spoken[-1]
        mark, _, raw = without_facts(messages[last]["content"]).partition(" ")
        plan = orjson.loads(raw)
        problems = [f"{plan['name']}: {problem}" for problem in violations(body)]
        self.history.provider_violations += problems
        for other in self.history.marks.values():
            if other != mark and other.encode() in request.body:
                self.history.blame("I8", f"the model was given {other} in a turn of {mark}")
        if problems:
            await connection.respond(400, orjson.dumps({"error": {"message": "; ".join(problems)}}))
            return
        if asked_for_questions:
            await _stream(connection, [{"content": f"More {mark[:30]}?"}], given=ASIDE)
            return
        if self.failed[plan["name"]] < plan["failures"]:
            self.failed[plan["name"]] += 1
            error = {"message": PROVIDER_SECRET, "type": "scripted", "code": "scripted"}
            await connection.respond(500, orjson.dumps({"error": error}), headers={"Retry-After": "0"})
            return
        await self._answer(connection, mark, plan, messages[last + 1 :])

    async def _answer(
        self, connection: Connection, mark: str, plan: dict[str, Any], since: list[dict[str, Any]]
    ) -> None:
        step = sum(bool(message.get("tool_calls")) for message in since)
        if step < len(plan["steps"]):
            words = [{"content": f"{mark} step {step} "}, {"content": "of it."}] if plan["words"] else []
            calls = list(_calls(mark, plan, step))
            pause_s = plan["pause_ms"] / 1000 if words else 0
            await _stream(connection, [*words, *_requests(calls)], finish_reason="tool_calls", pause_s=pause_s)
            return
        results = [unfenced(str(message["content"])) for message in since if message["role"] == "tool"]
        text = f"{mark} answers {plan['name']}: " + " | ".join(_short(result) for result in results)
        size = max(1, -(-len(text) // plan["pieces"]))
        pieces = [{"content": text[start : start + size]} for start in range(0, len(text), size)]
        await _stream(connection, pieces, pause_s=plan["pause_ms"] / 1000)


def _short(result: str) -> str:
    return "unknown" if "outcome is unknown" in result else result[:80]


def _calls(mark: str, plan: dict[str, Any], step: int) -> Iterator[tuple[str, dict[str, object]]]:
    reads, writes, actions = plan["steps"][step]
    if plan.get("pages"):
        yield ("read_page", {})
        yield ("open_page", {"value": "/orders"})
    for n in range(reads):
        yield ("find_order", {"number": ORDER + n})
    for n in range(writes):
        if plan.get("asks"):
            name = "order_after_another" if n % 2 else "order_after_yes"
            yield (name, {"item": f"{mark} {plan['name']} {step}.{n} {ASKED}"})
        else:
            yield ("create_order", {"item": f"{mark} {plan['name']} {step}.{n}"})
    for _ in range(actions):
        yield ("change_theme", {"value": "dark"})


def _requests(calls: list[tuple[str, dict[str, object]]]) -> list[dict[str, Any]]:
    """Return the deltas that ask for tools; arguments come in two pieces, as real ones do."""
    deltas = []
    for index, (name, arguments) in enumerate(calls):
        text = orjson.dumps(arguments).decode()
        half = len(text) // 2
        named = {"index": index, "id": f"call_{index}", "type": "function"}
        deltas.append({"tool_calls": [{**named, "function": {"name": name, "arguments": text[:half]}}]})
        deltas.append({"tool_calls": [{"index": index, "function": {"arguments": text[half:]}}]})
    return deltas


async def _stream(
    connection: Connection,
    deltas: list[dict[str, Any]],
    *,
    finish_reason: str = "stop",
    pause_s: float = 0,
    given: int = 10,
) -> None:
    usage = {"prompt_tokens": given, "completion_tokens": 5, "total_tokens": given + 5}
    await connection.begin_chunks()
    for delta in deltas:
        if pause_s:
            await asyncio.sleep(pause_s)
        await connection.chunk(_event({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}))
    await connection.chunk(_event({"choices": [{"index": 0, "delta": {}, "finish_reason": finish_reason}]}))
    await connection.chunk(_event({"choices": [], "usage": usage}))
    await connection.chunk(b"data: [DONE]\n\n")
    await connection.end_chunks()


def _event(data: dict[str, Any]) -> bytes:
    common = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return b"data: " + orjson.dumps(common | data) + b"\n\n"


@dataclass(slots=True)
class Business:
    """The tenants' backend. Each request takes a while before and after what it does, up to `most_delay_s` each."""

    history: History
    most_delay_s: float = 0
    random: Random = field(default_factory=Random)
    url: str = ""
    reads: int = 0

    async def handle(self, request: Request, connection: Connection) -> None:
        """Serve one request."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            claims = jwt.decode(token, SECRET, algorithms=["HS256"])
            tenant = claims["tenant_id"]
        except jwt.InvalidTokenError:
            await connection.respond(401, b'{"detail":"who are you?"}')
            return
        if claims.get("role") == APPROVER:
            self.history.blame("I14", f"{request.method} {request.path} with the token of who approved it")
        await asyncio.sleep(self.random.random() * self.most_delay_s)
        if request.method == "POST":
            item = request.json["item"]
            # It does not look for the key: a repeated write is done again, and seen.
            self.history.effects.append(Effect(request.headers.get("idempotency-key", ""), tenant, item))
        else:
            self.reads += 1
            item = f"{mark_of(tenant)} tea"
        await asyncio.sleep(self.random.random() * self.most_delay_s)
        status = 201 if request.method == "POST" else 200
        await connection.respond(status, orjson.dumps({"number": ORDER, "item": item}))


@dataclass(slots=True)
class Scene:
    """A machine, or several, with the model and the business beside them, and the history of what happens."""

    machine: Machine
    """The one, or the first."""
    history: History
    model: Model
    business: Business
    machines: list[Machine]
    balancer: Balancer | None = None
    """Before several machines."""

    @property
    def place(self) -> Place:
        """Where visitors go."""
        return self.balancer or self.machine

    async def stop(self) -> None:
        """Kill what runs."""
        for machine in self.machines:
            await machine.stop()

    def logs(self) -> str:
        """Return everything that any of its processes wrote."""
        return "".join(machine.logs() for machine in self.machines)


@asynccontextmanager
async def open_scene(
    folder: Path,
    *,
    nursery: Nursery | Nurseries | None,
    environment: Mapping[str, str] | None = None,
    most_delay_s: float = 0,
    seed: int = 0,
    answered_within_s: float = 900,
    processes: int = 1,
    has_spare: bool = False,
) -> AsyncIterator[Scene]:
    """Prepare everything but the server processes; what runs is killed when the block ends.

    `has_spare`: another model goes on where the first one fails, at the same provider.
    """
    history = History(secrets={PROVIDER_SECRET, MARKER})
    model, business = Model(history), Business(history, most_delay_s, Random(seed))
    async with listen(model.handle) as model_url, listen(business.handle) as business_url:
        model.url, business.url = f"{model_url}/v1", business_url
        page_s = min(answered_within_s, 60)
        patient = {"first_token_timeout_s": 60, "between_tokens_timeout_s": 60}
        spare = {"models": [*ASSISTANT["models"], "openai:spare"], "fallback": True} if has_spare else {}
        assistant = write_assistant(
            folder,
            suggestions={"enabled": True, "timeout_s": 2},
            limits=patient,
            budgets={"tenant": {"month": {"tokens": 10**12}}, "user": {"day": {"runs": 10**6, "tokens": 10**12}}},
            toolsets=[*ASSISTANT["toolsets"], ASKING],
            approvals={"expires_s": answered_within_s},
            page_tools={
                "read_page": {
                    "description": "Read what the page shows.",
                    "risk": "read",
                    "timeout_s": page_s,
                }
            },
            actions={**ASSISTANT["actions"], "open_page": {**OPEN_PAGE, "timeout_s": page_s}},
            **spare,
        )
        values = {
            "FRONTDESK_DATA": str(folder / "data"),
            "FRONTDESK_ASSISTANT": str(assistant),
            "FRONTDESK_BACKEND_URL": business.url,
            "FRONTDESK_JWT_SECRET": SECRET,
            "OPENAI_BASE_URL": model.url,
            "NO_PROXY": "*",
        }
        values |= environment or {}
        if "FRONTDESK_DATABASE_URL" not in values:
            await give_schema(anyio.Path(folder / "data" / "frontdesk.db"))
        if processes == 1:
            machines = [Machine(folder, values, nursery)]
        else:
            machines = [_one_of_several(folder / f"process-{n}", values, nursery) for n in range(1, processes + 1)]
        scene = Scene(machines[0], history, model, business, machines)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(scene.stop)
            if processes > 1:
                scene.balancer = await stack.enter_async_context(balancer(machines))
            yield scene


def _one_of_several(folder: Path, values: dict[str, str], nursery: Nursery | Nurseries | None) -> Machine:
    """Return a machine with a folder of its own: what several have in common is the database."""
    folder.mkdir()
    return Machine(folder, {**values, "FRONTDESK_DATA": str(folder / "data")}, nursery)
