"""Failures of Redis, as one error."""

from redis.exceptions import RedisError

from agent.errors import FrontdeskError

LOST = (RedisError, OSError, TimeoutError, RuntimeError)
"""Errors of a connection that is gone, or never was: uvloop raises RuntimeError on a write to a closed transport."""


class RedisAwayError(FrontdeskError):
    """Redis does not answer, or not in time. Nothing is lost: the truth is in the database."""
