"""What was seen while faults were injected, and the check of it: the invariants I1 to I10 of design.md §8.

A test records what clients sent and read, what the backend and the provider saw, what the processes logged, and reads the
database at the end. `check` returns every contradiction by invariant; an empty table is the proof. It knows the contract
(wire.md) and the tables, and shares no code with the server.
"""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from support.shown import Shown
from support.world import SQLITE_TABLES, Frame

INVARIANTS = {
    "I1": "every acknowledged message is readable, once",
    "I2": "one assistant message per step, equal to its deltas",
    "I3": "each tool call has one result before the next model call",
    "I4": "one terminal event per run",
    "I5": "cuts and resumes read the same events",
    "I6": "each side effect happened at most once",
    "I7": "every run ends in time",
    "I8": "no byte of another tenant's",
    "I9": "tasks, sockets and checkouts are back at baseline",
    "I10": "no secret in any log line, event or row",
}
OVER = ("completed", "failed", "cancelled")
STEP_SEPARATOR = "\n\n"
"""Stands between the texts of two steps on the wire, and in no stored message."""


@dataclass(slots=True)
class Segment:
    """One response of events, from its first frame to its end or its cut. `after` is the Last-Event-ID it was asked with."""

    after: str | None
    frames: list[Frame] = field(default_factory=list)
    raw: bytes = b""

    @property
    def events(self) -> list[Any]:
        return [frame.data for frame in self.frames if frame.data != "[DONE]"]

    @property
    def is_done(self) -> bool:
        """Whether it ended by itself."""
        return bool(self.frames) and self.frames[-1].data == "[DONE]"


@dataclass(slots=True)
class Reader:
    """One client's view of one run over all its connections."""

    name: str
    tenant: str
    run_id: str
    segments: list[Segment] = field(default_factory=list)
    shown: Shown = field(default_factory=Shown)
    at: dict[str, Shown] = field(default_factory=dict)
    """What was shown after each event id: for going back to one."""
    is_over: bool = False
    """Whether it has seen the run's end."""

    @property
    def last_id(self) -> str | None:
        return next(reversed(self.at), None)

    def begin(self, after: str | None) -> Segment:
        """Begin a connection that goes on after `after`; a page that goes back shows what it showed then."""
        if after is None:
            self.shown, self.at = Shown(), {}
        elif after in self.at:
            self.shown = self.at[after]
            kept = list(self.at)[: list(self.at).index(after) + 1]
            self.at = {event_id: self.at[event_id] for event_id in kept}
        segment = Segment(after)
        self.segments.append(segment)
        return segment

    def take(self, segment: Segment, frame: Frame) -> None:
        """Take a frame in."""
        segment.frames.append(frame)
        if frame.data == "[DONE]":
            return
        self.shown = self.shown.after(frame.data)
        if frame.id is not None:
            self.at[frame.id] = self.shown
        self.is_over = self.is_over or "status" in frame.data


@dataclass(slots=True)
class Post:
    """A user's message. It is acknowledged when the server has answered with a run."""

    tenant: str
    user: str
    key: str
    message: str
    writes: int = 0
    """How many side effects it asks for."""
    sent_to: str | None = None
    """The conversation it was sent to; None begins one."""
    replaces: "Post | None" = None
    """The one in whose place it is sent."""
    answer_id: str | None = None
    """Of the answer that it replaces."""
    is_again: bool = False
    """The same message is to be answered once more: it goes over to this one's run."""
    run_id: str | None = None
    conversation_id: str | None = None
    """The conversation it is in."""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    """JSON answers to it that have an end."""


@dataclass(slots=True)
class Effect:
    """A side effect at the backend."""

    key: str
    tenant: str
    what: str


@dataclass(slots=True)
class History:
    """Everything that was seen. `marks` are texts of one tenant each; `secrets` may be seen nowhere."""

    posts: list[Post] = field(default_factory=list)
    readers: list[Reader] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    provider_violations: list[str] = field(default_factory=list)
    received: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    """Bytes by the tenant that received them: bodies of answers that are no streams."""
    marks: dict[str, str] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)
    found: list[tuple[str, str]] = field(default_factory=list)
    """Contradictions that were seen while they happened: invariant, what."""
    deaths: list[float] = field(default_factory=list)
    """When processes died, as unix times."""
    logs: str = ""

    def blame(self, invariant: str, what: str) -> None:
        """Note a contradiction."""
        self.found.append((invariant, what))


@dataclass(slots=True)
class Database:
    """The tables as lists of rows; ids as text with dashes, JSON parsed, times aware."""

    conversations: list[dict[str, Any]]
    runs: list[dict[str, Any]]
    messages: list[dict[str, Any]]
    tool_calls: list[dict[str, Any]]
    everything: str
    """All rows of all tables as text."""


TABLES = ("conversations", "runs", "messages", "tool_calls")
ID_COLUMNS = {"id", "conversation_id", "run_id", "message_id"}
JSON_COLUMNS = {"tool_calls", "suggestions", "action", "branch_id", "page"}
TIME_COLUMNS = {"created_at", "started_at", "ended_at", "settled_at"}


def read_sqlite(path: Path) -> Database:
    """Read a SQLite file."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        names = [name for (name,) in connection.execute(SQLITE_TABLES)]
        raw = {
            name: [dict(row) for row in connection.execute(f'SELECT * FROM "{name}"')]  # noqa: S608 (its own names)
            for name in names
        }
    return _database(raw)


def _database(raw: dict[str, list[dict[str, Any]]]) -> Database:
    everything = "\n".join(repr(row) for rows in raw.values() for row in rows)
    tables = {
        name: [{key: _value(name, key, value) for key, value in row.items()} for row in raw[name]] for name in TABLES
    }
    return Database(**tables, everything=everything)


def _value(table: str, column: str, value: Any) -> Any:
    if value is None:
        return None
    if column in ID_COLUMNS and not (table == "tool_calls" and column == "id"):
        return str(UUID(str(value)))
    if column in JSON_COLUMNS and isinstance(value, str):
        return orjson.loads(value)
    if column in TIME_COLUMNS:
        time_ = datetime.fromisoformat(value) if isinstance(value, str) else value
        return time_.replace(tzinfo=UTC) if time_.tzinfo is None else time_
    return value


@dataclass(slots=True)
class Verdict:
    """The table of violations."""

    violations: dict[str, list[str]]

    @property
    def is_clean(self) -> bool:
        return not any(self.violations.values())

    def __str__(self) -> str:
        lines = [f"{'':4} {'invariant':58} violations"]
        lines += [f"{name:4} {text:58} {len(self.violations[name]):10}" for name, text in INVARIANTS.items()]
        return "\n".join(lines)

    def details(self, *, most: int = 5) -> str:
        """Return the first violations of each invariant."""
        shown = [f"{name}: {what}" for name, found in self.violations.items() for what in found[:most]]
        return "\n".join(shown)


def check(history: History, database: Database, *, end_limit_s: float | None = None) -> Verdict:
    """Return what contradicts the invariants.

    `end_limit_s` is how long after the last death before its end a run may take (I7): lease, grace and the work itself.
    """
    found: dict[str, list[str]] = {name: [] for name in INVARIANTS}
    for name, what in history.found:
        found[name].append(what)
    found["I1"] += _acknowledged(history, database)
    found["I2"] += _messages(history, database)
    found["I3"] += [*history.provider_violations, *_results(database)]
    found["I4"] += _ends(history, database)
    found["I5"] += _readers(history, database)
    found["I6"] += _effects(history, database)
    found["I7"] += _in_time(history, database, end_limit_s)
    found["I8"] += _foreign(history, database)
    found["I10"] += _secrets(history, database)
    return Verdict(found)


def _acknowledged(history: History, database: Database) -> Iterator[str]:
    runs = {run["id"]: run for run in database.runs}
    said = defaultdict(list)
    for message in database.messages:
        if message["role"] == "user":
            said[message["run_id"]].append(message["text"])
    keys = Counter((run["tenant_id"], run["user_id"], run["idempotency_key"]) for run in database.runs)
    answered_again = {
        id(post.replaces) for post in history.posts if post.is_again and keys[post.tenant, post.user, post.key]
    }
    for post in history.posts:
        stored = keys[post.tenant, post.user, post.key]
        if stored > 1 or (post.run_id is not None and stored != 1):
            yield f"{post.key}: {stored} runs for one message"
        if post.run_id is None:
            continue
        run = runs.get(post.run_id)
        if run is None:
            yield f"{post.key}: its run {post.run_id} is gone"
        elif (run["tenant_id"], run["user_id"], run["idempotency_key"]) != (post.tenant, post.user, post.key):
            yield f"{post.key}: got another message's run {post.run_id}"
        elif said[post.run_id] != ([] if id(post) in answered_again else [post.message]):
            yield f"{post.key}: run {post.run_id} has user messages {said[post.run_id]}"
    for conversation in database.conversations:
        positions = sorted(m["position"] for m in database.messages if m["conversation_id"] == conversation["id"])
        if positions != list(range(1, conversation["last_position"] + 1)):
            yield f"conversation {conversation['id']}: positions {positions} of {conversation['last_position']}"


def _said(database: Database) -> dict[str, list[dict[str, Any]]]:
    """Return each run's assistant messages in order of steps."""
    said: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for message in sorted(database.messages, key=lambda message: (message["step"], message["position"])):
        if message["role"] == "assistant":
            said[message["run_id"]].append(message)
    return said


def stored_text(messages: Iterable[Mapping[str, Any]]) -> str:
    """Return the assistant messages of a run as its answer is shown."""
    return STEP_SEPARATOR.join(message["text"] for message in messages if message["text"])


def _messages(history: History, database: Database) -> Iterator[str]:
    said = _said(database)
    for run in database.runs:
        messages = said[run["id"]]
        steps = [message["step"] for message in messages]
        if steps != list(range(1, len(steps) + 1)):
            yield f"run {run['id']} ({run['state']}): assistant messages of steps {steps}"
        answers = [message for message in messages if message["id"] == run["message_id"]]
        if run["state"] == "completed" and (len(answers) != 1 or answers != messages[-1:]):
            yield f"run {run['id']}: completed without its answer"
        if any(message["tool_calls"] for message in answers):
            yield f"run {run['id']}: its answer asks for tools"
        partial = [message["step"] for message in messages if message["status"] == "partial"]
        if partial and (run["state"] == "completed" or partial != steps[-1:]):
            yield f"run {run['id']} ({run['state']}): partial in steps {partial}"
    runs = {run["id"]: run for run in database.runs}
    for reader in history.readers:
        if reader.is_over and reader.run_id in runs:
            stored = stored_text(said[reader.run_id])
            if reader.shown.text != stored:
                yield f"run {reader.run_id}: {reader.name} shows {reader.shown.text!r}, stored is {stored!r}"
    for post in history.posts:
        for body in post.bodies:
            stored = stored_text(said[body["run_id"]])
            if body["response"] != stored:
                yield f"run {body['run_id']}: JSON says {body['response']!r}, stored is {stored!r}"


def _results(database: Database) -> Iterator[str]:
    results: dict[str, list[dict[str, Any]]] = defaultdict(list)
    asked: set[str] = set()
    for message in database.messages:
        if message["role"] == "tool":
            results[message["tool_call_id"]].append(message)
    said = _said(database)
    states = {call["id"]: call["state"] for call in database.tool_calls}
    for run in database.runs:
        for message in said[run["id"]]:
            following = [m["position"] for m in said[run["id"]] if m["step"] > message["step"]]
            for call in message["tool_calls"] or ():
                asked.add(call["id"])
                got = results[call["id"]]
                if len(got) > 1 or (following and len(got) != 1):
                    yield f"run {run['id']}: {len(got)} results for call {call['id']} of step {message['step']}"
                if any(not message["position"] < r["position"] < min(following, default=10**9) for r in got):
                    yield f"run {run['id']}: the result of {call['id']} is not between its call and the next step"
                state = states.get(call["id"])
                if state is None:
                    yield f"run {run['id']}: call {call['id']} is not in the ledger"
                elif bool(got) != (state in ("settled", "unknown")):
                    yield f"run {run['id']}: call {call['id']} is {state} with {len(got)} results"
    for orphan in results.keys() - asked:
        yield f"result {orphan} without a call"
    for orphan in states.keys() - asked:
        yield f"ledger entry {orphan} without a call"


def _ends(history: History, database: Database) -> Iterator[str]:
    runs = {run["id"]: run for run in database.runs}
    for run in database.runs:
        if run["state"] in OVER and (run["ended_at"] is None or run["worker_id"] is not None):
            yield f"run {run['id']}: {run['state']} without an end, or with a worker"
        if (run["state"] == "failed") != (run["error_code"] is not None):
            yield f"run {run['id']}: {run['state']} with error {run['error_code']}"
    for reader in history.readers:
        seen = runs.get(reader.run_id)
        for segment in reader.segments:
            statuses = [event["status"] for event in segment.events if "status" in event]
            # Where a reader resumes behind the end, its stream has nothing left to say about it.
            least = 1 if segment.is_done and not _saw_end_before(reader, segment) else 0
            if not least <= len(statuses) <= 1:
                yield f"run {reader.run_id}: {reader.name} saw ends {statuses} in one stream after {segment.after}"
            if seen is not None and any(status != seen["state"] for status in statuses):
                yield f"run {reader.run_id}: {reader.name} saw {statuses}, stored is {seen['state']}"
            errors = [event["error"]["code"] for event in segment.events if "error" in event]
            if seen is not None and any(code != seen["error_code"] for code in errors):
                yield f"run {reader.run_id}: {reader.name} saw errors {errors}, stored is {seen['error_code']}"
    for post in history.posts:
        for body in post.bodies:
            asked = runs.get(body["run_id"])
            if asked is not None and body["status"] != asked["state"]:
                yield f"run {body['run_id']}: JSON says {body['status']}, stored is {asked['state']}"


def _saw_end_before(reader: Reader, segment: Segment) -> bool:
    """Say whether the event that the segment began behind is the end, or comes after it."""
    earlier = reader.segments[: reader.segments.index(segment)]
    ids: list[str] = []
    for one in earlier:
        seen = False
        for frame in one.frames:
            seen = seen or (frame.data != "[DONE]" and "status" in frame.data)
            if seen and frame.id is not None:
                ids.append(frame.id)
    return segment.after in ids


def _readers(history: History, database: Database) -> Iterator[str]:
    runs = {run["id"]: run for run in database.runs}
    ledger: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for call in sorted(database.tool_calls, key=lambda call: (call["step"], call["id"])):
        ledger[call["run_id"]].append(call)
    shown_at: dict[tuple[str, str], tuple[str, Shown]] = {}
    for reader in history.readers:
        yield from _order(reader)
        for event_id, shown in _every(reader):
            name, other = shown_at.setdefault((reader.run_id, event_id), (reader.name, shown))
            if other != shown:
                yield f"run {reader.run_id} at {event_id}: {name} shows {other}, {reader.name} shows {shown}"
        run = runs.get(reader.run_id)
        if run is None or not reader.is_over:
            continue
        names = {call["name"] for call in ledger[run["id"]] if call["kind"] == "data"}
        if run["state"] == "completed" and set(reader.shown.tools_used) != names:
            yield f"run {run['id']}: {reader.name} shows tools {reader.shown.tools_used}, stored are {sorted(names)}"
        actions = sorted(call["id"] for call in ledger[run["id"]] if call["action"])
        if run["state"] == "completed" and sorted(action_id for _, _, action_id in reader.shown.actions) != actions:
            yield f"run {run['id']}: {reader.name} shows actions {reader.shown.actions}, stored are {actions}"
        if reader.shown.ids != (run["conversation_id"], run["id"], run["message_id"]):
            yield f"run {run['id']}: {reader.name} shows ids {reader.shown.ids}"
        if reader.shown.suggestions and list(reader.shown.suggestions) != run["suggestions"]:
            yield f"run {run['id']}: {reader.name} shows {reader.shown.suggestions}, stored are {run['suggestions']}"
        if reader.segments[-1].is_done and run["suggestions"] and not reader.shown.suggestions:
            yield f"run {run['id']}: {reader.name} read to the end and has no suggestions"


def _order(reader: Reader) -> Iterator[str]:
    """Yield where ids of a stream do not grow, where it begins too early, and where it jumps without a snapshot."""
    for segment in reader.segments:
        ids = [_pair(frame.id) for frame in segment.frames if frame.id is not None]
        if ids != sorted(set(ids)):
            yield f"run {reader.run_id}: {reader.name} read ids {ids}"
        if any(frame.id is None and frame.data != "[DONE]" for frame in segment.frames):
            yield f"run {reader.run_id}: {reader.name} read an event without an id"
        previous = _pair(segment.after) if segment.after else (0, 0)
        has_snapshot = any("snapshot" in event for event in segment.events)
        if ids and ids[0] <= previous and ids[0][1] > 1 and not has_snapshot:
            yield f"run {reader.run_id}: {reader.name} asked for more than {segment.after} and got {ids[0]}"
        for frame in segment.frames:
            if frame.id is None:
                continue
            attempt, number = _pair(frame.id)
            if attempt > max(1, previous[0]) and number > 2 and not has_snapshot:
                yield f"run {reader.run_id}: {reader.name} entered attempt {attempt} at {frame.id} without a snapshot"
            previous = (attempt, number)


def _every(reader: Reader) -> Iterator[tuple[str, Shown]]:
    """Yield what the reader showed after each frame, connection by connection, as it went."""
    shown, at = Shown(), dict[str, Shown]()
    for segment in reader.segments:
        if segment.after is None:
            shown = Shown()
        elif segment.after in at:
            shown = at[segment.after]
        for frame in segment.frames:
            if frame.data == "[DONE]" or frame.id is None:
                continue
            shown = shown.after(frame.data)
            at[frame.id] = shown
            if "conversation_id" not in frame.data:  # a snapshot may follow at once; until then the old text stands
                yield frame.id, shown


def _pair(event_id: str) -> tuple[int, int]:
    attempt, _, number = event_id.partition("-")
    return int(attempt), int(number)


def _effects(history: History, database: Database) -> Iterator[str]:
    for key, times in Counter(effect.key for effect in history.effects).items():
        if times > 1 or not key:
            yield f"key {key!r}: {times} effects"
    for what, times in Counter(effect.what for effect in history.effects).items():
        if times > 1:
            yield f"{what}: done {times} times"
    ledger = {call["id"]: call for call in database.tool_calls}
    done = {effect.key for effect in history.effects}
    for key in done:
        call = ledger.get(key)
        if call is None or call["state"] == "proposed" or call["risk"] != "write":
            yield f"effect {key} without a started write in the ledger: {call}"
    errors = {
        message["tool_call_id"]: message["is_error"] for message in database.messages if message["role"] == "tool"
    }
    for call in ledger.values():
        if call["risk"] == "write" and call["state"] == "settled" and not errors[call["id"]] and call["id"] not in done:
            yield f"write {call['id']} is settled as done and never happened"


def _in_time(history: History, database: Database, limit_s: float | None) -> Iterator[str]:
    for run in database.runs:
        if run["state"] not in OVER:
            yield f"run {run['id']}: still {run['state']}, attempt {run['attempt']}"
        elif limit_s is not None and run["ended_at"] is not None and run["attempt"] > 1:
            ended = run["ended_at"].timestamp()
            created = run["created_at"].timestamp()
            last = max((death for death in history.deaths if created <= death <= ended), default=created)
            if ended - last > limit_s:
                yield f"run {run['id']}: {run['state']} {ended - last:.1f} s after the death of its process"


def _foreign(history: History, database: Database) -> Iterator[str]:
    received: dict[str, list[bytes]] = {tenant: list(parts) for tenant, parts in history.received.items()}
    for reader in history.readers:
        received.setdefault(reader.tenant, []).extend(segment.raw for segment in reader.segments)
    for tenant, mark in history.marks.items():
        for other, parts in received.items():
            if other != tenant and any(mark.encode() in part for part in parts):
                yield f"{other} received a byte of {tenant}'s"
        for table in (database.conversations, database.runs, database.messages):
            if any(row["tenant_id"] != tenant and mark in repr(row) for row in table):
                yield f"a row of another tenant holds a text of {tenant}'s"
        if any(effect.tenant != tenant and mark in effect.what for effect in history.effects):
            yield f"a write of {tenant}'s came with another tenant's token"


def _secrets(history: History, database: Database) -> Iterator[str]:
    places = {
        "the logs": history.logs,
        "the database": database.everything,
        "the streams": b"".join(s.raw for reader in history.readers for s in reader.segments).decode(
            "utf-8", "replace"
        ),
        "the answers": b"".join(part for parts in history.received.values() for part in parts).decode(
            "utf-8", "replace"
        ),
    }
    for secret in history.secrets:
        for place, text in places.items():
            if secret in text:
                yield f"{secret[:12]}… is in {place}"
