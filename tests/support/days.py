"""The end of a day, of UTC as all of Frontdesk counts: a test of what is counted by days, or told of today, is to have one only."""

import time
from datetime import UTC, datetime, timedelta


def in_one_day(*, lasts_s: float = 60) -> None:
    """Return where the day goes on for so long; a day that ends sooner is waited out, by all of this process."""
    now = datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    if midnight - now < timedelta(seconds=lasts_s):
        while datetime.now(UTC) < midnight:
            time.sleep(0.1)
