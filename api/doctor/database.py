"""The database: whether it lets us in, is what we need, has our schema, keeps tenants apart, and is large enough for all processes."""

from agent.errors import ConfigurationError, DatabaseError
from agent.store.database import Store
from agent.store.examining import Examined, connections_of_a_process, examine, wrong_roles
from api.doctor.finding import Finding, fail, ms, ok, warn
from api.settings import Settings

OLDEST = 140000
"""PostgreSQL's number of the oldest version that its makers still mend in 2026."""
SLOW_S = 0.02
"""A turn makes a dozen round trips, one after the other."""


async def check_database(settings: Settings) -> tuple[Examined | None, list[Finding]]:
    """Return how the database is, if it can be reached, and what is to be said of it."""
    file = settings.database_file
    if file is not None and not file.exists():
        return None, [ok("database", f"{file} is not there yet: the first start makes it")]
    try:
        store = settings.open_store(pool_size=1)
    except ConfigurationError:
        return None, []  # that a URL is none is told with the settings
    try:
        seen = await examine(store)
        return seen, [*_seen(settings, seen), *await _wall(store, seen)]
    except (ConfigurationError, DatabaseError) as exc:
        says = str(exc) if isinstance(exc, ConfigurationError) else f"it broke off: {exc.reason}"
        return None, [fail("database: reachable", says, _advice(says))]
    finally:
        await store.close()


def _advice(says: str) -> str:
    if "password" in says or "user" in says:
        return "mend the user or the password in FRONTDESK_DATABASE_URL"
    if "no such database" in says:
        return "create the database, then run frontdesk migrate"
    return "start it, or mend FRONTDESK_DATABASE_URL; look whether a firewall is between"


def _seen(settings: Settings, seen: Examined) -> list[Finding]:
    found = [ok("database: reachable", f"{seen.kind}")]
    if 0 < seen.number < OLDEST:
        found.append(warn("database: version", f"{seen.kind} is not kept up any more", "go to 14 or later"))
    if seen.is_read_only:
        found.append(
            fail(
                "database: writing", "it only reads: a standby, or set so", "name the primary in FRONTDESK_DATABASE_URL"
            )
        )
    found.append(_schema(seen))
    slow = "put it nearer to the server: a turn makes a dozen round trips"
    says = f"{ms(seen.answer_s)} for a round trip"
    found.append(ok("database: time", says) if seen.answer_s < SLOW_S else warn("database: time", says, slow))
    if seen.connections:
        found.append(_room(settings, seen))
    return found


def _schema(seen: Examined) -> Finding:
    check = "database: schema"
    if seen.schema == seen.newest:
        return ok(check, f"version {seen.schema}")
    if not seen.is_known:
        return fail(check, f"version {seen.schema} is not known here", "install the newer Frontdesk that made it")
    says = f"version {seen.schema}, where {seen.newest} is needed" if seen.schema else "there is none yet"
    return fail(check, says, "run frontdesk migrate")


def _room(settings: Settings, seen: Examined) -> Finding:
    """Compare what all processes of one `serve` may open with what there is; others on other machines come on top."""
    check = "database: connections"
    each = connections_of_a_process(
        pool_size=settings.database_pool_size, search_connections=settings.search_connections
    )
    processes = settings.workers + (settings.workers > 1)  # while one is replaced
    needed = each * processes
    says = f"{each} of each process, {needed} of {processes}; {seen.connections} are allowed, {seen.used} in use now"
    if needed > seen.connections:
        do = "raise max_connections, put pgbouncer before it (FRONTDESK_DATABASE_POOLED), or lower FRONTDESK_DATABASE_POOL_SIZE"
        return fail(check, says, do)
    if 2 * needed > seen.connections:
        return warn(check, says, "there is no room for as many on a second machine, as in a deploy beside this one")
    return ok(check, says)


async def _wall(store: Store, seen: Examined) -> list[Finding]:
    check = "database: roles"
    if not store.is_shared or seen.schema != seen.newest:
        return []
    if not store.has_wall:
        do = "name a second role in FRONTDESK_DATABASE_UPKEEP_URL (docs/security.md)"
        return [warn(check, "one role: only our own conditions keep tenants apart", do)]
    problem = await wrong_roles(store)
    if problem is None:
        return [ok(check, "the one that serves sees a tenant at a time")]
    variable, _, says = problem.partition(": ")
    return [
        fail(check, problem, f"give {variable} the right role (docs/security.md)" if says else "see docs/security.md")
    ]
