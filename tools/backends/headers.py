"""Headers of a request: which are whose to set."""

HOP_BY_HOP = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
    }
)
OURS = frozenset(
    {
        "accept-charset",
        "accept-encoding",
        "accept-language",
        "authorization",
        "cookie",
        "cookie2",
        "forwarded",
        "origin",
        "referer",
        "user-agent",
        "x-branch-id",
        "x-http-method",
        "x-http-method-override",
        "x-method-override",
        "x-original-url",
        "x-real-ip",
        "x-rewrite-url",
        "x-tenant-id",
        "x-time-zone",
        "x-user-id",
    }
)
"""Who asks, for whom, from where, and what else would have another meaning if a model set it."""
PREFIXES = ("proxy-", "sec-", "x-forwarded-")
OF_SESSIONS = frozenset({"content-type", "idempotency-key"})
"""Headers that a session sets for each request by itself."""


def is_ours(name: str) -> bool:
    """Return whether a header belongs to the connection, or says who asks."""
    lower = folded(name)
    return lower in HOP_BY_HOP or lower in OURS or lower.startswith(PREFIXES)


def is_free(name: str) -> bool:
    """Return whether a document or a model may set a header: what a vendor has made up, and `Accept`."""
    return not is_ours(name) and folded(name) not in OF_SESSIONS


def folded(name: str) -> str:
    """Return a header's name as servers compare it; some take both signs for one."""
    return name.strip().lower().replace("_", "-")
