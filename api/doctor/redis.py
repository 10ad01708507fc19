"""Redis: whether it lets us in, is new enough, keeps what it is given, and does not spend itself on a disk."""

from agent.errors import ConfigurationError
from agent.redis.address import parse_address
from agent.redis.client import RedisClient
from agent.redis.errors import RedisAwayError
from agent.redis.examining import Examined, examine
from api.doctor.finding import Finding, fail, ms, ok, warn
from api.settings import Settings

OLDEST = (6, 2)
SLOW_S = 0.005
KEEPS = "noeviction"
FULL = 0.8
WHY = {
    "AuthenticationError": ("the password is wrong or missing, or the user is not known", "mend FRONTDESK_REDIS_URL"),
    "NoPermissionError": (
        "its user may not do what is needed",
        "let it use all keys and channels of the prefix, PING and INFO",
    ),
    "TimeoutError": (
        "it does not answer in time",
        "look whether it hangs or is far away, or raise FRONTDESK_REDIS_TIMEOUT_S",
    ),
    "MasterNotFoundError": (
        "the Sentinels know no primary of this name",
        "mend the service's name in FRONTDESK_REDIS_URL",
    ),
}
AWAY = ("nothing answers there", "start it, or mend FRONTDESK_REDIS_URL; look whether a firewall is between")


async def check_redis(settings: Settings) -> list[Finding]:
    """Return how Redis is, where one is named."""
    if settings.redis_url is None:
        return [ok("Redis", "none is named: there is one process")]
    try:
        address = parse_address(settings.redis_url.get_secret_value())
    except ConfigurationError:
        return []  # that the URL is none is told with the settings
    client = RedisClient(address, prefix=settings.redis_prefix, timeout_s=settings.redis_timeout_s)
    try:
        return _seen(await examine(client))
    except RedisAwayError as exc:
        says, do = WHY.get(str(exc), AWAY)
        return [fail("Redis: reachable", says, do)]
    finally:
        await client.close()


def _seen(seen: Examined) -> list[Finding]:
    return [
        ok("Redis: reachable", seen.kind),
        *_version(seen),
        _writing(seen),
        _policy(seen),
        *_memory(seen),
        *_saving(seen),
        _time(seen),
    ]


def _version(seen: Examined) -> list[Finding]:
    return (
        [fail("Redis: version", f"{seen.kind} is too old", "go to Redis 6.2 or later, or Valkey")]
        if seen.version < OLDEST
        else []
    )


def _writing(seen: Examined) -> Finding:
    check = "Redis: writing"
    if seen.refusal is None:
        return ok(check, "it takes what is written")
    if seen.refusal == "ReadOnlyError":
        return fail(check, "it is a replica, which only reads", "name the primary, or its Sentinels")
    if seen.refusal == "OutOfMemoryError":
        return fail(check, "its memory is full", "raise maxmemory")
    says, do = WHY.get(seen.refusal, (f"it refuses to be written to ({seen.refusal})", "look into its log"))
    return fail(check, says, do)


def _policy(seen: Examined) -> Finding:
    check = "Redis: maxmemory-policy"
    if seen.policy == KEEPS:
        return ok(check, KEEPS)
    if seen.policy is None:
        return warn(check, "it does not say", f"make sure that it is {KEEPS}")
    do = f"set maxmemory-policy {KEEPS}: others throw logs away that are being read"
    return (
        fail(check, seen.policy, do) if seen.most_bytes else warn(check, f"{seen.policy}, without a maxmemory yet", do)
    )


def _memory(seen: Examined) -> list[Finding]:
    if not seen.most_bytes:
        return []
    says = f"{seen.used_bytes >> 20} MiB of {seen.most_bytes >> 20} are in use"
    is_full = seen.used_bytes > FULL * seen.most_bytes
    return [
        warn("Redis: memory", says, "raise maxmemory, or lower FRONTDESK_LOG_KEEP_S")
        if is_full
        else ok("Redis: memory", says)
    ]


def _saving(seen: Examined) -> list[Finding]:
    if not seen.saves:
        return []
    do = 'set save "" and appendonly no, unless others need it: nothing here has to outlive it, and each save takes time and memory'
    return [warn("Redis: persistence", "it writes to disk", do)]


def _time(seen: Examined) -> Finding:
    says = f"{ms(seen.answer_s)} for a round trip"
    do = "put it nearer: each token for a reader at another process takes one"
    return ok("Redis: time", says) if seen.answer_s < SLOW_S else warn("Redis: time", says, do)
