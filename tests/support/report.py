"""How a run of chaos ends: what is left is looked at, judged, and printed."""

import time
from collections import Counter
from dataclasses import dataclass

from support.afterwards import check_resources, expected_ends, quiet, read_all_again
from support.checker import OVER, Verdict, check
from support.clients import Counts
from support.stage import Stage

GRACE_S = 32.0
"""Beside the lease: bringing the token, the start of a process, turns before it, two answers that nobody gives, and the work itself."""


@dataclass(slots=True)
class Report:
    """How a run of chaos went."""

    seed: int
    where: str
    """The engines and how many processes."""
    made: Counter[str]
    took_s: float
    turns: int
    counts: Counts
    recovered: int
    states: Counter[str]
    answers: Counter[str]
    """Approvals, by what became of them."""
    was_agreed: bool
    """Whether a yes was taken, also where its conversation was deleted since."""
    unknown_writes: int
    verdict: Verdict

    def __str__(self) -> str:
        states = ", ".join(f"{number} {state}" for state, number in sorted(self.states.items()))
        counts = self.counts
        faults = "\n".join(f"{kind:14} {number:5}" for kind, number in self.made.items())
        return (
            f"{self.verdict}\n\n{faults}\n\n"
            f"turns {self.turns} ({states}) · resumes {counts.resumes} · cancels {counts.cancels} · "
            f"versions {counts.versions} · answers of pages {counts.page_calls} · signed in again {counts.signed_in_again} · answers 503 {counts.unavailable}\n"
            f"questions answered yes {self.answers['approved']}, no {self.answers['denied']}, not {self.answers['expired']}, "
            f"taken back {self.answers['withdrawn']} · recovered runs {self.recovered} · writes of unknown outcome {self.unknown_writes} · "
            f"{self.took_s:.0f} s · {self.where} · seed {self.seed}"
        )


async def judge(stage: Stage, *, seed: int, where: str, lease_s: float, begun: float) -> Report:
    """Wait for quiet, look at everything that is left, end the processes, and say how it went since `begun`."""
    scene = stage.scene
    stage.say("all users have finished")
    database = await quiet(stage)
    stage.say("no run is at work")
    await _verify_record(stage)
    await read_all_again(stage, {run["id"] for run in database.runs if run["state"] in OVER})
    await check_resources(scene, stage.visitors[0])
    stage.say("everything was read again")
    await scene.stop()
    scene.history.logs = scene.logs()
    expected_ends(stage, database)
    verdict = check(scene.history, database, end_limit_s=lease_s + GRACE_S)
    counts, sent = Counts(), [run for run in database.runs if run["idempotency_key"] is not None]
    for visitor in stage.visitors:
        for name in Counts.__slots__:
            setattr(counts, name, getattr(counts, name) + getattr(visitor.counts, name))
    if "deletions" in stage.kinds:
        stage.made["deletions"] = counts.deletions
    return Report(
        seed=seed,
        where=where,
        made=stage.made,
        took_s=time.monotonic() - begun,
        turns=len(sent),
        counts=counts,
        recovered=sum(run["attempt"] > 1 for run in sent),
        states=Counter(run["state"] for run in sent),
        answers=Counter(one["state"] for one in database.approvals),
        was_agreed=scene.history.has_heard_yes,
        unknown_writes=sum(call["state"] == "unknown" for call in database.tool_calls),
        verdict=verdict,
    )


async def _verify_record(stage: Stage) -> None:
    """I16: what is sealed is whole, as an operator asks it. A clock that was wrong shows, and nothing else may."""
    asked = await stage.scene.machine.command("audit", "verify")
    *lines, last = asked.output.read_text().splitlines() or [asked.errors.read_text()]
    for line in (*lines, last):
        if "newest seal" not in line and not (stage.made["clock"] and "older than what" in line):
            stage.scene.history.blame("I16", line)
