"""Chaos on several processes behind a balancer, on one PostgreSQL and one Redis: `scripts/chaos --cluster`."""

import secrets
import time
from collections.abc import Collection
from contextlib import AsyncExitStack, closing
from pathlib import Path
from random import Random

from support.cluster import FAULTS, Cluster, open_pair
from support.databases import truth_in_postgresql
from support.lives import user
from support.planting import plant_all
from support.postgres import PostgresProcess, as_application, by_port, new_database, socket_of, sqlalchemy_url
from support.processes import PATIENT, QUICK, Nurseries, Nursery
from support.report import Report, judge
from support.scenario import open_scene
from support.silencing import silencing, silencing_proxy
from support.stage import Stage

ANSWERED_WITHIN_S = 8.0
"""Some questions nobody answers: so long their runs wait. An answer may find a process that is stopped, or a machine that is busy."""


async def unleash_on_cluster(
    folder: Path,
    postgres: PostgresProcess,
    *,
    processes: int,
    kills: int,
    seed: int,
    users: int,
    faults: Collection[str] = frozenset(FAULTS),
    pace: float = 1.0,
    limit_s: float | None = None,
    nursery: Nursery | None = None,
) -> Report:
    """Start two Redis and so many processes on a new database, let users work while all of them fail, and check what is left."""
    begun, random = time.monotonic(), Random(seed)
    async with AsyncExitStack() as stack:
        nurseries = stack.enter_context(closing(Nurseries(nursery)))
        url = new_database(postgres.url)
        proxy = await stack.enter_async_context(silencing_proxy(socket_of(url)))
        redis = open_pair(stack)
        redis_proxy = await stack.enter_async_context(silencing(redis.connect))
        owner = sqlalchemy_url(by_port(url, proxy.port))
        scene = await stack.enter_async_context(
            open_scene(
                folder,
                nursery=nurseries,
                most_delay_s=0.08,
                seed=seed,
                answered_within_s=ANSWERED_WITHIN_S,
                processes=processes,
                environment={
                    **QUICK,
                    **PATIENT,
                    "FRONTDESK_DATABASE_URL": as_application(owner),
                    "FRONTDESK_DATABASE_UPKEEP_URL": owner,
                    "FRONTDESK_REDIS_URL": f"redis://127.0.0.1:{redis_proxy.port}/0",
                    "FRONTDESK_REDIS_TIMEOUT_S": "1",
                    "FRONTDESK_HANDOVER_KEY": secrets.token_hex(),
                },
            )
        )
        stage = Stage(scene, random, truth_in_postgresql(url), frozenset(faults), proxy)
        stage.visitors = [await stack.enter_async_context(user(scene, n, random)) for n in range(users)]
        if "deletions" in stage.kinds:
            await plant_all(stage, owner)
        await Cluster(stage, postgres, redis, redis_proxy, pace).play(kills=kills, limit_s=limit_s)
        where = f"{processes} processes, PostgreSQL and Redis"
        return await judge(stage, seed=seed, where=where, lease_s=float(QUICK["FRONTDESK_LEASE_S"]), begun=begun)
