"""URLs as people and logs may see them."""

import re


def shown_url(url: str) -> str:
    """Return a URL as it may be shown: without a user, a password, and a query, which may hold another secret."""
    plain = re.split(r"[?#]", url, maxsplit=1)[0]
    scheme, mark, rest = plain.rpartition("://")
    return f"{scheme}{mark}{rest.rpartition('@')[2]}" if "://" not in scheme else "***"
