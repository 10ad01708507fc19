"""Makes faults again and again while many users work with the server, and checks the history of it all.

    scripts/chaos --kills 200 [--database postgresql] [--faults kills,clock,stalls,silent,deletions] [--seed 1] [--users 12]

The figures are printed as a table of violations by invariant; the exit status is 1 when there is one.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager, closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from random import Random, SystemRandom

from support.afterwards import check_resources, expected_ends, quiet, read_all_again
from support.checker import OVER, Verdict, check
from support.clients import Counts
from support.databases import Truth, truth_in_postgresql, truth_in_sqlite
from support.lives import play, user
from support.planting import plant
from support.postgres import as_application, by_port, new_database, open_postgres, socket_of, sqlalchemy_url
from support.processes import QUICK, Nurseries, Nursery
from support.scenario import mark_of, open_scene
from support.silencing import SilencingProxy, silencing_proxy
from support.stage import Stage
from support.troubles import KINDS, ONLY_ON

from agent.principal import Principal
from agent.store.database import Store

GRACE_S = 22.0
"""Beside the lease: bringing the token, the start of a process, turns before it, and the work itself."""
ANSWERED_WITHIN_S = 3.0
"""Some questions nobody answers: so long their runs wait."""
CALM_LIVES = 7
"""Of one deal, those that have none but their end."""


@dataclass(slots=True)
class Report:
    """How a run of chaos went."""

    seed: int
    database: str
    made: Counter[str]
    took_s: float
    turns: int
    counts: Counts
    recovered: int
    states: Counter[str]
    answers: Counter[str]
    """What became of what was asked."""
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
            f"{self.took_s:.0f} s · {self.database} · seed {self.seed}"
        )


def kinds_on(database: str) -> frozenset[str]:
    """Return the kinds of faults that can be made with a database of this kind."""
    return frozenset(kind for kind in KINDS if ONLY_ON.get(kind, database) == database)


async def unleash(
    folder: Path,
    *,
    kills: int,
    seed: int,
    users: int,
    postgres: str | None = None,
    faults: Collection[str] | None = None,
    calm_lives: int = CALM_LIVES,
    default_leases: bool = False,
    fresh: bool = False,
    nursery: Nursery | None = None,
) -> Report:
    """Start a server in `folder`, let users work, make faults in `kills` lives of processes, wait for quiet, and check.

    The database is SQLite, or a new one on the server at `postgres`. `faults` are all that fit it, unless they are named.
    Each fault of a kind comes once or twice in a deal of lives, beside `calm_lives` that only end.
    """
    begun = time.monotonic()
    random = Random(seed)
    kinds = frozenset(faults) if faults is not None else kinds_on("postgresql" if postgres else "sqlite")
    async with AsyncExitStack() as stack:
        nurseries = stack.enter_context(nullcontext(None) if fresh else closing(Nurseries(nursery)))
        truth, proxy, environment = await stack.enter_async_context(_database(folder, postgres))
        environment |= {"FRONTDESK_AUTH_WAIT_S": "30"} if default_leases else {**QUICK, "FRONTDESK_AUTH_WAIT_S": "30"}
        scene = await stack.enter_async_context(
            open_scene(
                folder,
                nursery=nurseries,
                most_delay_s=0.08,
                seed=seed,
                environment=environment,
                answered_within_s=ANSWERED_WITHIN_S,
            )
        )
        stage = Stage(scene, random, truth, kinds, proxy)
        stage.visitors = [await stack.enter_async_context(user(scene, n, random)) for n in range(users)]
        if "deletions" in kinds:
            await _plant(stage, folder, environment)
        await play(stage, kills=kills, calm_lives=calm_lives, default_leases=default_leases)
        database = await quiet(stage)
        await _verify_record(stage)
        await read_all_again(stage, {run["id"] for run in database.runs if run["state"] in OVER})
        await check_resources(scene, stage.visitors[0])
        await scene.machine.stop()
        scene.history.logs = scene.machine.logs()
        expected_ends(stage, database)
        lease_s = 6.0 if default_leases else float(QUICK["FRONTDESK_LEASE_S"])
        verdict = check(scene.history, database, end_limit_s=lease_s + GRACE_S)
    counts = Counts()
    for visitor in stage.visitors:
        for name in Counts.__slots__:
            setattr(counts, name, getattr(counts, name) + getattr(visitor.counts, name))
    if "deletions" in kinds:
        stage.made["deletions"] = counts.deletions
    return Report(
        seed=seed,
        database="PostgreSQL" if postgres else "SQLite",
        made=stage.made,
        took_s=time.monotonic() - begun,
        turns=len(database.runs),
        counts=counts,
        recovered=sum(run["attempt"] > 1 for run in database.runs),
        states=Counter(run["state"] for run in database.runs),
        answers=Counter(one["state"] for one in database.approvals),
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


@asynccontextmanager
async def _database(
    folder: Path, postgres: str | None
) -> AsyncIterator[tuple[Truth, SilencingProxy | None, dict[str, str]]]:
    """Yield how the tables are looked at, the proxy in front of them if there is one, and the server's settings."""
    if postgres is None:
        yield truth_in_sqlite(folder / "data" / "frontdesk.db"), None, {}
        return
    url = new_database(postgres)
    async with silencing_proxy(socket_of(url)) as proxy:
        owner = sqlalchemy_url(by_port(url, proxy.port))
        roles = {"FRONTDESK_DATABASE_URL": as_application(owner), "FRONTDESK_DATABASE_UPKEEP_URL": owner}
        yield truth_in_postgresql(url), proxy, roles


async def _plant(stage: Stage, folder: Path, environment: dict[str, str]) -> None:
    """Give each user a large conversation."""
    file = f"sqlite+aiosqlite:///{folder / 'data' / 'frontdesk.db'}"
    store = Store(environment.get("FRONTDESK_DATABASE_UPKEEP_URL", file), pool_size=1)
    try:
        await store.migrate()
        for visitor in stage.visitors:
            owner = Principal(visitor.tenant, visitor.user)
            stage.large[visitor.user] = await plant(store, owner, mark=mark_of(visitor.tenant))
    finally:
        await store.close()


def main() -> None:
    """Run from the command line."""
    kinds = "\n".join(f"  {kind:10} {what}" for kind, what in KINDS.items())
    parser = argparse.ArgumentParser(
        prog="scripts/chaos",
        description="Make faults at random; check what is left.",
        epilog=f"faults:\n{kinds}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--kills", type=int, default=20, help="lives of processes; each ends with a kill")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--faults", default=None, help="names with commas between them; default: all that fit")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--users", type=int, default=12)
    parser.add_argument("--default-leases", action="store_true", help="6 s instead of 2.5: fewer kills a minute")
    parser.add_argument("--fresh", action="store_true", help="start each process anew: 3 s instead of 0.5")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the database and the logs")
    given = parser.parse_args()
    faults = frozenset(given.faults.split(",")) if given.faults else kinds_on(given.database)
    if wrong := faults - kinds_on(given.database):
        parser.error(f"no such faults on {given.database}: {', '.join(sorted(wrong))}")
    seed = given.seed if given.seed is not None else SystemRandom().randrange(10**6)
    folder = Path(tempfile.mkdtemp(prefix="frontdesk-chaos-"))
    with open_postgres() if given.database == "postgresql" else nullcontext(None) as postgres:
        report = asyncio.run(
            unleash(
                folder,
                kills=given.kills,
                seed=seed,
                users=given.users,
                postgres=postgres,
                faults=faults,
                default_leases=given.default_leases,
                fresh=given.fresh,
            )
        )
    sys.stdout.write(f"{report}\n")
    if not report.verdict.is_clean:
        again = f"scripts/chaos --database {given.database} --faults {','.join(sorted(faults))} --seed {seed}"
        sys.stdout.write(f"\n{report.verdict.details()}\n\nin {folder}; again: {again}\n")
        sys.exit(1)
    if given.keep:
        sys.stdout.write(f"in {folder}\n")
    else:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
