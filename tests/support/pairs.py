"""Two processes of an installation, on one PostgreSQL and one Redis."""

from typing import Any

from support.postgres import new_database, sqlalchemy_url
from support.redis import RedisServer
from support.world import OpenWorld, Person, World

KEY = "handover-key-" * 3


async def open_pair(open_frontdesk: OpenWorld, postgres: str, server: RedisServer, **settings: Any) -> list[World]:
    """Open both, with these settings."""
    shared = {
        "database_url": sqlalchemy_url(new_database(postgres)),
        "redis_url": server.url,
        "redis_timeout_s": 10,
        "handover_key": KEY,
        "renew_every_s": 1,
        "lease_s": 60,
        "lease_lost_after_s": 50,
        **settings,
    }
    return [await open_frontdesk(**shared) for _ in range(2)]


def at(world: World, person: Person) -> Person:
    """Return the same person, with the same token, at another process."""
    return Person(world, person.token, person.tenant)
