"""The end of a day, of UTC as all of Frontdesk counts: a test of what is counted by days, or told of today, is to have one only."""

from datetime import UTC, datetime, timedelta
from threading import Event


def in_one_day(*, lasts_s: float = 60) -> None:
    """Return where the day goes on for so long; a day that ends sooner is waited out, by all of this process."""
    now = datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    if midnight - now < timedelta(seconds=lasts_s):
        while (left := midnight - datetime.now(UTC)) > timedelta():
            Event().wait(left.total_seconds())  # a time of the day is what is waited for, and nobody tells it
