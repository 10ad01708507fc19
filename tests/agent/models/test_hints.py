"""How long a provider wants to be left alone, in all the forms in which that is said."""

import time
from typing import Any

import pytest
from support.each import each

from agent.models.hints import MAX_WAIT_S, retry_after

NONE_LEFT = {"x-ratelimit-remaining": "0"}
SAID: list[tuple[float | None, dict[str, str], dict[str, Any], str]] = [
    (30, {"retry-after": "30s"}, {}, ""),
    (90, {"retry-after": "1m30s"}, {}, ""),
    (5, {"retry-after": " 5, 5"}, {}, ""),
    (2.5, {"retry-after": "2.5"}, {}, ""),
    (1.5, {"retry-after-ms": "1500", "retry-after": "2"}, {}, ""),
    (0, {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, {}, ""),
    (None, {"retry-after": "-3"}, {}, ""),
    (None, {"retry-after": str(MAX_WAIT_S)}, {}, ""),
    (None, {"retry-after": "soon, please"}, {}, ""),
    (40, {**NONE_LEFT, "x-ratelimit-reset": "40"}, {}, ""),
    (40, {"ratelimit-remaining": "0", "ratelimit-reset": "40"}, {}, ""),
    (60, {**NONE_LEFT, "x-ratelimit-reset": "1m0s"}, {}, ""),
    (None, {"x-ratelimit-remaining": "3", "x-ratelimit-reset": "40"}, {}, ""),
    (None, {**NONE_LEFT, "x-ratelimit-reset": "never"}, {}, ""),
    (17, {}, {"metadata": {"headers": {"Retry-After": 17}}}, ""),
    (39.5, {}, {"details": [{"@type": "x"}, {"retryDelay": {"seconds": 39, "nanos": 500_000_000}}]}, ""),
    (39, {}, {"details": [{"retryDelay": {"seconds": "39"}}]}, ""),
    (None, {}, {"details": [{"retryDelay": {"seconds": None}}, {"retryDelay": True}]}, ""),
    (20, {}, {"estimated_time": 20.0}, ""),
    (360, {}, {}, "Rate limit reached. Please try again in 6m0s."),
    (432.5, {}, {}, "Please try again in 7m12.5s. Visit https://example.com"),
    (3723, {}, {}, "Please try again in 1h2m3s"),
    (0.28, {}, {}, "Please try again in 280ms."),
    (51.9, {}, {}, "Please retry in 51.9s."),
    (12, {}, {}, "Rate limit of 10 per 60s exceeded. Please wait 12 seconds before retrying."),
    (120, {}, {}, "Retry after 2 minutes."),
    (None, {}, {}, "Please try again later. You made 5 requests in 3m0s."),
]


@each(("wanted", "headers", "error", "words"), SAID)
def test_a_hint_is_read_from_headers_fields_and_words(
    wanted: float | None, headers: dict[str, str], error: dict[str, Any], words: str
) -> None:
    """G70"""
    assert retry_after(headers, error, words) == wanted


@each("unit", [1, 1000])
def test_a_time_at_which_there_is_room_again_is_a_hint(unit: int) -> None:
    """G70: since 1970, as OpenRouter quotes it in its body."""
    quoted = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int((time.time() + 40) * unit))}
    assert retry_after({}, {"metadata": {"headers": quoted}}, "") == pytest.approx(38, abs=3)
