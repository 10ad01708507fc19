"""Checks of a run of chaos when its faults are over: that all comes to rest, can be read, and ended for a reason."""

import asyncio
import re
import time
from collections.abc import Collection

from support.checker import OVER
from support.clients import Visitor
from support.databases import Database
from support.history import History
from support.scenario import Scene
from support.stage import Stage

QUIET_LIMIT_S = 60.0
LOOKED_LATE_S = 2.0
"""So long may a run have been there before it was seen, on a busy machine."""

LOSING = ("stalls", "silent", "restarts")
"""Faults in which a process may lose its lease and live."""


async def quiet(stage: Stage) -> Database:
    """Wait until no run is at work and return the database; what is still there then is for the checker to say."""
    end = time.monotonic() + QUIET_LIMIT_S
    while True:
        database = await asyncio.to_thread(stage.truth.read)
        is_quiet = all(run["state"] in OVER for run in database.runs) and not _left(stage.scene.history, database)
        if is_quiet or time.monotonic() > end:
            return database
        await asyncio.sleep(0.5)


def _left(history: History, database: Database) -> bool:
    """Return whether something is left of what was deleted."""
    deleted = history.deletions.values()
    owned = {row["conversation_id"] for row in database.runs} | {row["id"] for row in database.conversations}
    texts = [text.encode() for one in deleted for text in one.texts]
    return any(one.conversation_id in owned for one in deleted) or any(text in database.files for text in texts)


async def read_all_again(stage: Stage, over: Collection[str]) -> None:
    """Let every run that is over be read once more, from its first event to its last, and let another tenant try the same."""
    limit = asyncio.Semaphore(8)
    visitors, history = stage.visitors, stage.scene.history

    async def read(visitor: Visitor, run_id: str) -> None:
        async with limit:
            await visitor.watch(run_id, name="a reader afterwards")

    async def may_not(visitor: Visitor, run_id: str, *, invariant: str) -> None:
        async with limit:
            for path in (f"/runs/{run_id}", f"/runs/{run_id}/events"):
                response = await visitor.request("GET", path)
                if response is None or response.status_code != 404:
                    got = response and response.status_code
                    history.blame(invariant, f"{path}: {visitor.user} of {visitor.tenant} got {got}")

    owners = {(visitor.tenant, visitor.user): visitor for visitor in visitors}
    async with asyncio.TaskGroup() as group:
        for post in history.posts:
            owner = owners.get((post.tenant, post.user))
            if post.run_id is None or owner is None:
                continue
            if history.is_deleted(post.conversation_id):
                group.create_task(may_not(owner, post.run_id, invariant="I13"))
            elif post.run_id in over:
                group.create_task(read(owner, post.run_id))
            stranger = next(one for one in visitors if one.tenant != post.tenant)
            group.create_task(may_not(stranger, post.run_id, invariant="I8"))


async def check_resources(scene: Scene, visitor: Visitor) -> None:
    """I9, as it can be seen from outside: no run is held, and nobody is connected who is not there."""
    for machine in scene.machines:
        gauge = ""
        for _ in range(100):
            response = await visitor.request("GET", "/metrics", at=machine.url)
            found = re.search(r"^\S*runs_active\S* (\S+)$", response.text if response else "", re.MULTILINE)
            gauge = found[1] if found else "no gauge of active runs"
            if gauge == "0.0":
                break
            await asyncio.sleep(0.05)
        else:
            scene.history.blame("I9", f"active runs at the end: {gauge}")


def expected_ends(stage: Stage, database: Database) -> None:
    """Note the runs that ended in a way for which there was no reason."""
    history = stage.scene.history
    withdrawn = {one["run_id"] for one in database.approvals if one["state"] == "withdrawn"}
    others = len(stage.scene.machines) > 1
    for run in database.runs:
        lost = _deaths(history, run) + (_losses(history, run) if others else 0)
        reason = {
            "completed": True,
            "cancelled": run["id"] in stage.cancelled | withdrawn,
            "failed": run["error_code"] == "interrupted" and run["begun_attempts"] == 3 and lost >= 3,
        }
        if run["state"] in OVER and not reason[run["state"]]:
            what = f"run {run['id']}: {run['state']} {run['error_code']} in attempt {run['attempt']}"
            history.blame("I7", f"{what}, after {_deaths(history, run)} deaths")


def _deaths(history: History, run: dict[str, object]) -> int:
    """Return how many processes died while the run was under way."""
    span = history.spans.get(str(run["id"]))
    if span is None:
        return 0
    return sum(span.begun - LOOKED_LATE_S <= death <= (span.ended or death) for death in history.deaths)


def _losses(history: History, run: dict[str, object]) -> int:
    """Return how often another process may have taken the run over although its own one lived."""
    span = history.spans.get(str(run["id"]))
    if span is None:
        return 0
    faults = [one for one in history.disturbances if one.kind in LOSING]
    return sum(span.begun - LOOKED_LATE_S <= one.ended and one.begun <= (span.ended or one.begun) for one in faults)
