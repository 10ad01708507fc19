"""Makes faults again and again while many users work with the server, and checks the history of it all.

    scripts/chaos --kills 200 [--database postgresql] [--faults kills,clock,stalls,silent,deletions] [--seed 1] [--users 12]
    scripts/chaos --kills 200 --cluster [--processes 4] [--faults kills,clock,restarts,silent,redis,deletions]

The figures are printed as a table of violations by invariant; the exit status is 1 when there is one.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager, closing, nullcontext
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

from support.cluster import FAULTS
from support.cluster_chaos import ANSWERED_WITHIN_S, unleash_on_cluster
from support.databases import Truth, truth_in_postgresql, truth_in_sqlite
from support.lives import play, user
from support.planting import plant_all
from support.postgres import (
    as_application,
    by_port,
    new_database,
    open_postgres,
    open_postgres_process,
    socket_of,
    sqlalchemy_url,
)
from support.processes import PATIENT, QUICK, Nurseries, Nursery
from support.report import Report, judge
from support.scenario import open_scene
from support.silencing import SilencingProxy, silencing_proxy
from support.stage import Stage
from support.troubles import KINDS, ONLY_ON

CALM_LIVES = 7
"""Of one deal, those that have none but their end."""


def _file(folder: Path) -> str:
    return f"sqlite+aiosqlite:///{folder / 'data' / 'frontdesk.db'}"


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
        environment |= PATIENT if default_leases else {**QUICK, **PATIENT}
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
            await plant_all(stage, environment.get("FRONTDESK_DATABASE_UPKEEP_URL", _file(folder)))
        await play(stage, kills=kills, calm_lives=calm_lives, default_leases=default_leases)
        lease_s = 6.0 if default_leases else float(QUICK["FRONTDESK_LEASE_S"])
        where = "PostgreSQL" if postgres else "SQLite"
        return await judge(stage, seed=seed, where=where, lease_s=lease_s, begun=begun)


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


def arguments() -> argparse.Namespace:
    """Return what the command line says: with a seed, and the faults as a set."""
    told = "\n".join(f"  {kind:10} {what}" for kind, what in KINDS.items())
    on_cluster = "\n".join(f"  {kind:10} {what}" for kind, what in FAULTS.items())
    parser = argparse.ArgumentParser(
        prog="scripts/chaos",
        description="Make faults at random; check what is left.",
        epilog=f"faults:\n{told}\n\nfaults with --cluster:\n{on_cluster}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--kills", type=int, default=20, help="lives of processes; each ends with a kill")
    parser.add_argument("--cluster", action="store_true", help="several processes on one PostgreSQL and one Redis")
    parser.add_argument("--processes", type=int, default=2, help="how many, with --cluster")
    parser.add_argument(
        "--limit-s", type=float, default=None, help="with --cluster: no more kills after so many seconds"
    )
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--faults", default=None, help="names with commas between them; default: all that fit")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6))
    parser.add_argument("--users", type=int, default=12)
    parser.add_argument("--default-leases", action="store_true", help="6 s instead of 2.5: fewer kills a minute")
    parser.add_argument("--fresh", action="store_true", help="start each process anew: 3 s instead of 0.5")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the database and the logs")
    given = parser.parse_args()
    possible = frozenset(FAULTS) if given.cluster else kinds_on(given.database)
    given.faults = frozenset(given.faults.split(",")) if given.faults else possible
    if wrong := given.faults - possible:
        parser.error(f"no such faults here: {', '.join(sorted(wrong))}")
    if given.cluster and given.processes < 2:
        parser.error("a cluster has two processes at least")
    return given


def run(folder: Path, given: argparse.Namespace) -> Report:
    """Do what the command line says."""
    common: dict[str, Any] = {"kills": given.kills, "seed": given.seed, "users": given.users, "faults": given.faults}
    if given.cluster:
        with open_postgres_process() as process:
            return asyncio.run(
                unleash_on_cluster(folder, process, processes=given.processes, limit_s=given.limit_s, **common)
            )
    with open_postgres() if given.database == "postgresql" else nullcontext(None) as postgres:
        leases = {"default_leases": given.default_leases, "fresh": given.fresh}
        return asyncio.run(unleash(folder, postgres=postgres, **common, **leases))


def main() -> None:
    """Run from the command line."""
    given = arguments()
    folder = Path(tempfile.mkdtemp(prefix="frontdesk-chaos-"))
    report = run(folder, given)
    sys.stdout.write(f"{report}\n")
    if not report.verdict.is_clean:
        where = f"--cluster --processes {given.processes}" if given.cluster else f"--database {given.database}"
        again = f"scripts/chaos {where} --faults {','.join(sorted(given.faults))} --seed {given.seed}"
        sys.stdout.write(f"\n{report.verdict.details()}\n\nin {folder}; again: {again}\n")
        sys.exit(1)
    if given.keep:
        sys.stdout.write(f"in {folder}\n")
    else:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
