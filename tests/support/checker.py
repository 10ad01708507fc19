"""The check of what was seen while faults were injected: the invariants I1 to I10 of design.md §8, and five of whole services.

`check` returns every contradiction by invariant; an empty table is the proof. It knows the contract (wire.md) and the
tables, and shares no code with the server.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from support.databases import Database
from support.history import ASKED, History, Reader, Segment, is_end
from support.shown import Shown

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
    "I11": "no request is answered 500, or 503 without Retry-After",
    "I12": "the service is well again soon after a fault",
    "I13": "what was deleted is gone, at once and for good",
    "I14": "no call that needs a yes is made without one",
    "I15": "a yes is executed at most once",
    "I16": "each deed has its row in the record, and each row its deed",
}
OVER = ("completed", "failed", "cancelled")
DELETED_WORKS_ON_S = 5.0
"""A side effect that was under way when its conversation was deleted arrives within so many seconds."""
FROM_DATABASE = 2**40
"""Behind this number is what the database tells of a run whose log cannot be asked."""
A_TELLING = 2**16
"""So far apart are the numbers under which it tells more than before."""
STEP_SEPARATOR = "\n\n"
"""Stands between the texts of two steps on the wire, and in no stored message."""


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

    `end_limit_s` is how long after the last fault before its end a run may take (I7): lease, grace and the work itself.
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
    found["I13"] += _deleted(history, database)
    found["I14"] += _without_yes(history, database)
    found["I14"] += _without_page(history, database)
    found["I15"] += _twice(history)
    found["I16"] += _recorded(database)
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
        if history.is_deleted(post.conversation_id):
            continue
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
        for body in () if history.is_deleted(post.conversation_id) else post.bodies:
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
            statuses = [event["status"] for event in segment.events if is_end(event)]
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
            seen = seen or is_end(frame.data)
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
        run = runs.get(reader.run_id)
        for event_id, shown in _every(reader):
            if run is not None and _pair(event_id)[0] > run["attempt"]:  # the database tells it, and actions by call
                shown = replace(shown, actions=tuple(sorted(shown.actions)))  # who saw the end before: as they came
            name, other = shown_at.setdefault((reader.run_id, event_id), (reader.name, shown))
            if other != shown:
                yield f"run {reader.run_id} at {event_id}: {name} shows {other}, {reader.name} shows {shown}"
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
        if any(part != sorted(set(part)) for part in _parts(ids)):
            yield f"run {reader.run_id}: {reader.name} read ids {ids}"
        if any(frame.id is None and frame.data != "[DONE]" for frame in segment.frames):
            yield f"run {reader.run_id}: {reader.name} read an event without an id"
        previous = _pair(segment.after) if segment.after else (0, 0)
        has_snapshot = any("snapshot" in event for event in segment.events)
        if ids and ids[0] <= previous and not _is_start(ids[0][1]) and not has_snapshot:
            yield f"run {reader.run_id}: {reader.name} asked for more than {segment.after} and got {ids[0]}"
        is_over = _saw_end_before(reader, segment)  # then only what stands behind the end is told
        for frame in segment.frames:
            is_over = is_over or is_end(frame.data)
            if frame.id is None:
                continue
            attempt, number = _pair(frame.id)
            is_within = number > 2 and not _is_start(number)
            if attempt > max(1, previous[0]) and is_within and not has_snapshot and not is_over:
                yield f"run {reader.run_id}: {reader.name} entered attempt {attempt} at {frame.id} without a snapshot"
            previous = (attempt, number)


def _is_start(number: int) -> bool:
    """Return whether a run's start is told under this number: once more before a snapshot, by the log, or from the database.

    A reader may be cut behind it, before the snapshot.
    """
    return number in (0, 1) or (number > FROM_DATABASE and (number - FROM_DATABASE) % A_TELLING == 1)


def _parts(ids: list[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Yield ids that have to grow: where the log is back that was away, its snapshot takes the place of what the database told.

    It may go away again, and the database tells the same once more.
    """
    part: list[tuple[int, int]] = []
    for one in ids:
        if part and part[-1][1] >= FROM_DATABASE and one[1] == 0:
            yield part
            part = []
        part.append(one)
    yield part


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
    deleted = {post.name for post in history.posts if history.is_deleted(post.conversation_id)}
    for key in {effect.key for effect in history.effects if effect.name not in deleted}:
        call = ledger.get(key)
        if call is None or call["state"] == "proposed" or call["risk"] != "write":
            yield f"effect {key} without a started write in the ledger: {call}"
    errors = {
        message["tool_call_id"]: message["is_error"] for message in database.messages if message["role"] == "tool"
    }
    for call in ledger.values():
        if (
            call["risk"] == "write"
            and call["state"] == "settled"
            and not errors.get(call["id"], True)
            and call["id"] not in done
        ):
            yield f"write {call['id']} is settled as done and never happened"


def _without_yes(history: History, database: Database) -> Iterator[str]:
    asked = {one["tool_call_id"]: one["state"] for one in database.approvals}
    for effect in history.effects:
        if effect.what.split()[-1:] != [ASKED]:
            continue
        said_at = history.yeses.get(effect.key)
        if said_at is None or said_at > effect.at:
            yield f"{effect.what}: done, and its user said {history.answers.get(effect.key)}"
        if asked.get(effect.key, "approved") != "approved":
            yield f"{effect.what}: done, and its question is {asked[effect.key]}"
    for call_id, state in asked.items():
        if state == "approved" and call_id not in history.yeses:
            yield f"call {call_id}: approved, and its user said {history.answers.get(call_id)}"
        if state == "denied" and history.answers.get(call_id) != "no":
            yield f"call {call_id}: denied, and its user said {history.answers.get(call_id)}"


def _without_page(history: History, database: Database) -> Iterator[str]:
    for message in database.messages:
        call_id = message["tool_call_id"]
        for words, meant in (("The user's page says,", "result"), ("The user's page could not", "error")):
            if (message["text"] or "").startswith(words) and history.pages.get(call_id) != meant:
                yield f"call {call_id}: the model was told a page's {meant}, and the page meant {history.pages.get(call_id)}"


def _recorded(database: Database) -> Iterator[str]:
    """Compare the ledger and the answers with the record; of a deleted conversation only the record is left."""
    gone = {row["conversation_id"] for row in database.audit if row["kind"] == "conversation.deleted"}
    told = Counter((row["tool_call_id"], row["kind"]) for row in database.audit if row["conversation_id"] not in gone)
    runs = {one["id"]: one["conversation_id"] for one in database.runs}
    done: Counter[tuple[str, str]] = Counter()
    for call in database.tool_calls:
        if runs.get(call["run_id"]) in gone:
            continue
        done[call["id"], "call.proposed"] += 1
        done[call["id"], "call.started"] += call["started_at"] is not None
        done[call["id"], "action"] += call["action"] is not None
        done[call["id"], "call.unknown"] += call["state"] == "unknown"
        settled = "call.refused" if told[call["id"], "call.refused"] else "call.settled"
        done[call["id"], settled] += call["state"] == "settled"
    for one in database.approvals:
        if runs.get(one["run_id"]) not in gone:
            done[one["tool_call_id"], f"decision.{one['state']}"] += one["state"] != "open"
            was_taken_back = one["state"] in ("expired", "withdrawn") and one["decided_by"] is not None
            done[one["tool_call_id"], "decision.approved"] += was_taken_back
    for key in (+done).keys() | {key for key in told if key[0] is not None}:
        number = done[key]
        starts = key[1] == "call.started" and number and told[key] >= number  # a read's credential may be refused once
        if told[key] != number and not starts:
            yield f"{key[1]} of call {key[0]}: {number} times done, {told[key]} times recorded"


def _twice(history: History) -> Iterator[str]:
    done = Counter(effect.what for effect in history.effects if effect.what.split()[-1:] == [ASKED])
    for what, times in done.items():
        if times > 1:
            yield f"{what}: said yes to once, done {times} times"


def _in_time(history: History, database: Database, limit_s: float | None) -> Iterator[str]:
    faults = [(death, death) for death in history.deaths] + [(one.begun, one.ended) for one in history.disturbances]
    for run in database.runs:
        if run["state"] not in OVER:
            yield f"run {run['id']}: still {run['state']}, attempt {run['attempt']}"
            continue
        created, ended = _times(history, run)
        if limit_s is None or ended is None or run["attempt"] == 1:
            continue
        last = max(
            (min(until, ended) for begun, until in faults if created <= until and begun <= ended), default=created
        )
        if ended - last > limit_s:
            yield f"run {run['id']}: {run['state']} {ended - last:.1f} s after the last fault before its end"


def _times(history: History, run: Mapping[str, Any]) -> tuple[float, float | None]:
    """Return when a run began and when it ended, as it was seen from outside where somebody looked, else by its row."""
    if (span := history.spans.get(run["id"])) is not None:
        return span.begun, span.ended
    if history.spans:
        return 0.0, None  # it was over between two looks
    return run["created_at"].timestamp(), run["ended_at"] and run["ended_at"].timestamp()


def _deleted(history: History, database: Database) -> Iterator[str]:
    """Yield what is left of deleted conversations, and what was done for them afterwards."""
    done = {one.conversation_id: one for one in history.deletions.values() if one.done_at is not None}
    for conversation_id in done:
        rows = [
            f"{len(found)} {name}"
            for name, table, column in (
                ("conversations", database.conversations, "id"),
                ("runs", database.runs, "conversation_id"),
                ("messages", database.messages, "conversation_id"),
            )
            if (found := [row for row in table if row[column] == conversation_id])
        ]
        # The record keeps the ids: without them nobody could say what was deleted, nor that words rightly went.
        forms = (conversation_id, UUID(conversation_id).hex)
        elsewhere = [form for form in forms if form in database.beside_the_record]
        if rows or elsewhere:
            yield f"conversation {conversation_id}: {', '.join(rows) or 'its id'} left"
        own = [row for row in database.audit if row["conversation_id"] == conversation_id]
        if any((row["words"] or "").strip(" ") or (row["salt"] or "").strip("-") for row in own):
            yield f"conversation {conversation_id}: the record has words or a salt of it"
        if [row["kind"] for row in own].count("conversation.deleted") != 1:
            yield f"conversation {conversation_id}: the record does not say once that it was deleted"
        if any(text in database.everything for text in done[conversation_id].texts):
            yield f"conversation {conversation_id}: words of it are left"
        elif any(text.encode() in database.files for text in done[conversation_id].texts):
            yield f"conversation {conversation_id}: words of it are left in the file, although in no row"
    runs = {run["id"] for run in database.runs}
    for call in database.tool_calls:
        if call["run_id"] not in runs:
            yield f"ledger entry {call['id']} without a run"
    for message in database.messages:
        if message["run_id"] not in runs:
            yield f"message {message['id']} without a run"
    names = {post.name: done[post.conversation_id] for post in history.posts if post.conversation_id in done}
    for effect in history.effects:
        deletion = names.get(effect.name)
        if deletion is not None and effect.at > (deletion.done_at or 0) + DELETED_WORKS_ON_S:
            late = effect.at - (deletion.done_at or 0)
            yield f"{effect.what}: done {late:.1f} s after its conversation {deletion.conversation_id} was deleted"


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
