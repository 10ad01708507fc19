"""The check of histories, and the visitors that write them: a history that is guilty is judged so, and an innocent one is not."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import psycopg
import pytest
from support.checker import Verdict, check
from support.clients import Visitor
from support.databases import Database
from support.deleting import delete, look_for_deleted, post_again, try_to_delete
from support.history import Deletion, Disturbance, Effect, History, Post, Reader, Span
from support.http import Connection, Request, listen
from support.postgres import by_port, new_database, socket_of
from support.processes import Machine, Server, wrong_clock
from support.scenario import Plan
from support.silencing import silencing_proxy
from support.world import Frame

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ENDED = NOW.timestamp() + 5


class Story:
    """A user's message and its answer, as they are stored, and the history of how it came to that."""

    def __init__(self) -> None:
        self.conversation, self.run, self.answer, self.call = (str(uuid4()) for _ in range(4))
        self.history = History()
        self.post = Post("acme", "ann", "key-1", "order tea", 1, name="plan-1")
        self.post.run_id, self.post.conversation_id = self.run, self.conversation
        self.history.posts.append(self.post)
        self.history.effects.append(Effect(self.call, "acme", "mark plan-1 0.0", at=ENDED))
        self.tables: dict[str, list[dict[str, Any]]] = {
            "conversations": [{"id": self.conversation, "tenant_id": "acme", "last_position": 4}],
            "runs": [self._run()],
            "messages": [
                self._message(1, 0, "user", "order tea"),
                self._message(2, 1, "assistant", "", tool_calls=[{"id": self.call}]),
                self._message(3, 1, "tool", "{}", tool_call_id=self.call),
                self._message(4, 2, "assistant", "Done.", id=self.answer),
            ],
            "tool_calls": [
                {
                    "id": self.call,
                    "run_id": self.run,
                    "state": "settled",
                    "risk": "write",
                    "step": 1,
                    "started_at": NOW,
                    "action": None,
                }
            ],
            "audit": [self._deed(kind, self.call) for kind in ("call.proposed", "call.started", "call.settled")],
        }

    def _deed(self, kind: str, call_id: str | None = None) -> dict[str, Any]:
        about = {"tool_call_id": call_id, "conversation_id": self.conversation}
        return {"kind": kind, **about, "words": "{}" if call_id else None, "salt": "s" if call_id else None}

    def _run(self) -> dict[str, Any]:
        ended = datetime.fromtimestamp(ENDED, UTC)
        return {
            "id": self.run,
            "conversation_id": self.conversation,
            "tenant_id": "acme",
            "user_id": "ann",
            "idempotency_key": "key-1",
            "state": "completed",
            "attempt": 2,
            "message_id": self.answer,
            "error_code": None,
            "worker_id": None,
            "created_at": NOW,
            "ended_at": ended,
        }

    def _message(self, position: int, step: int, role: str, text: str, **more: Any) -> dict[str, Any]:
        common = {"id": str(uuid4()), "tool_calls": None, "tool_call_id": None, "is_error": False, "tenant_id": "acme"}
        place = {"conversation_id": self.conversation, "run_id": self.run, "position": position, "step": step}
        return {**common, **place, "role": role, "text": text, "status": "complete", **more}

    def delete(self, *, done_at: float | None = ENDED) -> None:
        """Let the user delete the conversation, and the server say that it is gone."""
        deletion = Deletion("acme", "ann", self.conversation, ["order tea"], done_at)
        self.history.deletions[self.conversation] = deletion

    def clear(self) -> None:
        """Let the database forget it; the record keeps what was done, without words."""
        deeds = [{**one, "words": None, "salt": None} for one in self.tables["audit"]]
        self.tables = {name: [] for name in self.tables}
        self.tables["audit"] = [*deeds, self._deed("conversation.deleted")]

    def verdict(self, *, beside: str = "", files: bytes = b"") -> Verdict:
        """Return the verdict, with more in the database than the tables that are known, and this in its file."""
        texts = {name: "\n".join(map(repr, rows)) for name, rows in self.tables.items()}
        text = "\n".join(text for name, text in texts.items() if name != "audit") + beside
        whole = Database(**self.tables, everything=text + texts["audit"], beside_the_record=text, files=files)
        return check(self.history, whole, end_limit_s=30)


def guilty_of(verdict: Verdict) -> set[str]:
    """Return the invariants that do not hold."""
    return {name for name, found in verdict.violations.items() if found}


def test_a_story_without_a_fault_is_innocent() -> None:
    assert guilty_of(Story().verdict()) == set()


def test_a_deleted_conversation_that_is_gone_is_innocent() -> None:
    """Its acknowledged message, its side effect and its key may all be without a row."""
    story = Story()
    story.delete()
    story.clear()
    assert guilty_of(story.verdict()) == set()


def test_the_same_without_a_deletion_is_a_loss() -> None:
    story = Story()
    story.clear()
    assert "I1" in guilty_of(story.verdict())


@pytest.mark.parametrize("column", ["words", "salt"])
def test_what_the_record_keeps_of_a_deleted_conversation_beside_ids_is_found(column: str) -> None:
    story = Story()
    story.delete()
    story.clear()
    story.tables["audit"][0][column] = "x"
    assert guilty_of(story.verdict()) == {"I13"}


def test_a_deletion_that_is_not_recorded_is_found() -> None:
    story = Story()
    story.delete()
    story.clear()
    del story.tables["audit"][-1]
    assert "I13" in guilty_of(story.verdict())


def test_a_deed_without_its_row_and_a_row_without_its_deed_are_found() -> None:
    for number in range(3):
        story = Story()
        del story.tables["audit"][number]
        assert guilty_of(story.verdict()) == {"I16"}
        story = Story()
        story.tables["audit"].append(story.tables["audit"][number])
        assert guilty_of(story.verdict()) == (set() if number == 1 else {"I16"})


@pytest.mark.parametrize("left", ["conversations", "runs", "messages"])
def test_a_row_that_is_left_of_a_deleted_conversation_is_found(left: str) -> None:
    story = Story()
    story.delete()
    story.tables = {name: rows[:1] if name == left else [] for name, rows in story.tables.items()}
    assert "I13" in guilty_of(story.verdict())


def test_a_ledger_entry_that_is_left_without_its_run_is_found() -> None:
    story = Story()
    story.delete()
    story.tables = {name: rows if name == "tool_calls" else [] for name, rows in story.tables.items()}
    assert "I13" in guilty_of(story.verdict())


def test_what_any_other_table_keeps_of_a_deleted_conversation_is_found() -> None:
    story = Story()
    story.delete()
    story.clear()
    for beside in (story.conversation, story.conversation.replace("-", ""), "to search: 'order tea'"):
        assert guilty_of(story.verdict(beside=beside)) == {"I13"}


def test_words_of_a_deleted_conversation_that_are_in_the_file_and_in_no_row_are_found() -> None:
    story = Story()
    story.delete()
    story.clear()
    assert guilty_of(story.verdict(files=b"\x00order tea\x00")) == {"I13"}


def test_a_deletion_that_the_server_never_confirmed_may_be_done_or_not() -> None:
    story = Story()
    story.delete(done_at=None)
    assert guilty_of(story.verdict()) == set()
    story.clear()
    assert guilty_of(story.verdict()) == set()


def test_a_side_effect_long_after_its_conversation_was_deleted_is_found() -> None:
    story = Story()
    story.delete(done_at=ENDED - 1)
    story.clear()
    assert guilty_of(story.verdict()) == set(), "it was under way"
    story.delete(done_at=ENDED - 30)
    assert guilty_of(story.verdict()) == {"I13"}


def test_a_side_effect_that_nobody_stored_is_found_beside_a_deletion() -> None:
    story = Story()
    story.delete()
    story.clear()
    story.history.effects.append(Effect(str(uuid4()), "acme", "mark plan-2 0.0"))
    assert guilty_of(story.verdict()) == {"I6"}


@pytest.mark.parametrize(
    ("ids", "is_read_well"),
    [
        ((f"2-{2**40 + 1}", f"2-{2**40 + 2}", "2-0", "2-3", "2-4"), True),
        ((f"2-{2**40 + 1}", "1-0", "2-3"), True),
        ((f"2-{2**40 + 1}", f"2-{2**40 + 2}", "2-0", "2-3", f"2-{2**40 + 1}", f"2-{2**40 + 2}", "2-0", "2-4"), True),
        ((f"2-{2**40 + 1}", "2-3", "2-4"), False),
        (("2-1", "2-4", "2-0", "2-3"), False),
        ((f"2-{2**40 + 1}", "2-0", "2-3", "2-3"), False),
    ],
    ids=["back", "back with an earlier attempt", "back twice", "back without a start", "back from nowhere", "twice"],
)
def test_ids_grow_but_where_a_log_is_back_that_was_away(ids: tuple[str, ...], is_read_well: bool) -> None:
    story = Story()
    reader = Reader("ann", "acme", story.run)
    segment = reader.begin(None)
    for event_id in ids:
        is_start = event_id.endswith(("-0", str(2**40 + 1)))
        start = {"conversation_id": story.conversation, "run_id": story.run, "message_id": story.answer}
        snapshot = {"snapshot": {"text": "", "tools_used": [], "actions": []}}
        reader.take(segment, Frame(event_id, start if is_start else snapshot, b""))
    story.history.readers.append(reader)
    assert guilty_of(story.verdict()) == (set() if is_read_well else {"I5"})


def test_actions_have_the_order_in_which_they_came_for_who_saw_the_end_and_that_of_calls_for_others() -> None:
    """The database tells all of an ended run to whoever comes late, and what stands behind the end to who saw that."""
    for attempt, is_told_late in ((3, True), (2, False)):
        story = Story()
        story.tables["tool_calls"][0]["kind"] = "action"
        start = {"conversation_id": story.conversation, "run_id": story.run, "message_id": story.answer}
        actions = [{"type": "open", "value": "/a", "id": "1"}, {"type": "open", "value": "/b", "id": "2"}]
        before: dict[str, Any] = {"snapshot": {"text": "", "tools_used": [], "actions": []}}
        whole: dict[str, Any] = {"snapshot": {"text": "", "tools_used": [], "actions": actions}}
        later = {"suggestions": ["More?"]}
        story.history.readers = [sender, late] = [Reader("ann", "acme", story.run), Reader("late", "acme", story.run)]
        live = [start, before, *({"action": one} for one in reversed(actions)), {"status": "completed"}]
        seen = sender.begin(None)
        for number, event in enumerate(live, start=1):
            sender.take(seen, Frame(f"2-{number}", event, b""))
        sender.take(sender.begin("2-5"), Frame(f"{attempt}-9", later, b""))
        told = late.begin(None)
        for number, event in ((6, start), (7, whole), (8, live[-1]), (9, later)):
            late.take(told, Frame(f"{attempt}-{number}", event, b""))
        differ = any(f"at {attempt}-9" in line for line in story.verdict().violations["I5"])
        assert differ is not is_told_late


def test_a_run_is_timed_by_who_looked_and_not_by_a_clock_that_may_be_wrong() -> None:
    story = Story()
    story.history.deaths = [ENDED - 4]
    story.history.spans[story.run] = Span(ENDED - 5, ENDED)
    story.tables["runs"][0]["ended_at"] = NOW + timedelta(hours=1)
    assert guilty_of(story.verdict()) == set()
    story.history.spans[story.run] = Span(ENDED - 5, ENDED + 60)
    assert guilty_of(story.verdict()) == {"I7"}


def test_a_run_has_its_time_from_the_end_of_the_last_fault() -> None:
    story = Story()
    story.history.spans[story.run] = Span(ENDED - 60, ENDED)
    story.history.deaths = [ENDED - 55]
    assert guilty_of(story.verdict()) == {"I7"}
    story.history.disturbances = [Disturbance("locked", ENDED - 40, ENDED - 35)]
    assert guilty_of(story.verdict()) == {"I7"}
    story.history.disturbances = [Disturbance("locked", ENDED - 40, ENDED - 20)]
    assert guilty_of(story.verdict()) == set()
    story.history.disturbances = [Disturbance("locked", ENDED + 1, ENDED + 20)]
    assert guilty_of(story.verdict()) == {"I7"}, "that one came afterwards"


class Scripted:
    """A server that answers as it is told: a list of (status, headers), the last of them again and again."""

    def __init__(self, *answers: tuple[int, dict[str, str]]) -> None:
        self.answers = list(answers)
        self.requests: list[str] = []

    async def handle(self, request: Request, connection: Connection) -> None:
        """Serve one request."""
        self.requests.append(f"{request.method} {request.path}")
        status, headers = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        body = {"items": [{"id": headers.get("X-Listed")}], "next_cursor": None, "response": "yes", "run_id": "1"}
        await connection.respond(status, orjson.dumps(body), headers=headers)


@asynccontextmanager
async def visitor_at(folder: Path, *answers: tuple[int, dict[str, str]]) -> AsyncIterator[Visitor]:
    """Yield a visitor of a server that answers so."""
    machine = Machine(folder, {})
    async with (
        listen(Scripted(*answers).handle) as url,
        Visitor(machine, History(), "acme", "ann") as visitor,
    ):
        machine.server = Server(os.getpid(), folder / "output", folder / "errors", folder / "status", url=url)
        yield visitor


def found(visitor: Visitor) -> set[str]:
    """Return the invariants that the visitor saw broken."""
    return {name for name, _ in visitor.history.found}


ACKNOWLEDGED = (200, {"X-Run-Id": "run-1", "X-Conversation-Id": "conversation-1"})


async def test_an_answer_of_500_is_noted_and_asked_for_again(tmp_path: Path) -> None:
    async with visitor_at(tmp_path, (500, {}), ACKNOWLEDGED) as ann:
        await ann.ask(post := ann.post(Plan("plan-1")))
        assert (found(ann), post.run_id) == ({"I11"}, "run-1")


async def test_an_answer_of_503_is_no_fault_where_it_says_when_to_come_back(tmp_path: Path) -> None:
    async with visitor_at(tmp_path, (503, {"Retry-After": "1"}), ACKNOWLEDGED) as ann:
        await ann.ask(ann.post(Plan("plan-1")))
        assert found(ann) == set()
    async with visitor_at(tmp_path, (503, {}), ACKNOWLEDGED) as ann:
        await ann.ask(ann.post(Plan("plan-1")))
        assert found(ann) == {"I11"}


async def test_a_conversation_that_can_be_seen_after_its_deletion_is_noted(tmp_path: Path) -> None:
    async with visitor_at(tmp_path, (200, {"X-Listed": "conversation-1"})) as ann:
        await delete(ann, "conversation-1")
        await look_for_deleted(ann, "conversation-1")
        assert found(ann) == {"I13"}
        assert len(ann.history.found) > 10, "each call and the list"


async def test_a_deletion_is_done_when_it_is_gone_after_an_answer_that_was_lost(tmp_path: Path) -> None:
    async with visitor_at(tmp_path, (503, {"Retry-After": "1"}), (404, {})) as ann:
        deletion = await delete(ann, "conversation-1")
        assert found(ann) == set()
        assert deletion.done_at is not None
        with pytest.raises(Exception, match="404"):
            await delete(ann, "conversation-2")
        assert found(ann) == {"I1"}


async def test_somebody_elses_conversation_that_can_be_deleted_is_noted(tmp_path: Path) -> None:
    async with visitor_at(tmp_path, (200, {})) as ann:
        await try_to_delete(ann, "conversation-1")
        assert found(ann) == {"I8"}


async def test_a_key_that_leads_to_a_deleted_run_is_noted(tmp_path: Path) -> None:
    async with visitor_at(tmp_path, ACKNOWLEDGED) as ann:
        post = ann.post(Plan("plan-1"))
        post.run_id, post.conversation_id = "run-0", "conversation-0"
        await post_again(ann, post)
        assert found(ann) == set(), "another run is a new message"
        post.run_id = "run-1"
        await post_again(ann, post)
        assert found(ann) == {"I13"}


def test_a_process_with_a_wrong_clock_has_a_right_monotonic_one() -> None:
    script = "import time; print(time.time(), time.monotonic())"
    told = subprocess.run([sys.executable, "-c", script], env=wrong_clock(-600), capture_output=True, check=True)
    wall, monotonic = map(float, told.stdout.split())
    assert -700 < wall - time.time() < -500
    assert abs(monotonic - time.monotonic()) < 60


async def test_a_silent_connection_answers_nothing_closes_nothing_and_goes_on_where_it_was(postgres: str) -> None:
    url = new_database(postgres)
    async with silencing_proxy(socket_of(url)) as proxy:
        async with await psycopg.AsyncConnection.connect(by_port(url, proxy.port), connect_timeout=10) as connection:
            [line] = proxy.lines
            proxy.silence([line])
            asking = asyncio.create_task(connection.execute("SELECT 1"))
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await asyncio.shield(asking)
            proxy.resume([line])
            assert await (await asking).fetchone() == (1,)
        proxy.is_mute = True
        with pytest.raises(psycopg.errors.ConnectionTimeout):
            await psycopg.AsyncConnection.connect(by_port(url, proxy.port), connect_timeout=2)
        proxy.is_mute, proxy.refuses = False, True
        with pytest.raises(psycopg.OperationalError):
            await psycopg.AsyncConnection.connect(by_port(url, proxy.port), connect_timeout=10)
