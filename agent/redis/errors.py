"""What goes wrong with Redis, as one error."""

from agent.errors import FrontdeskError


class RedisAwayError(FrontdeskError):
    """Redis does not answer, or not in time. Nothing is lost: the truth is in the database."""
