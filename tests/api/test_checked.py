"""Tokens that were checked a moment ago: what that saves, and for how long and of whom it is believed."""

import time
from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import Any

import jwt
import pytest
from support.world import SECRET

from agent.errors import UnauthorizedError
from api import checked
from api.auth import Authenticator
from api.checked import FRESH_S, MOST_CHARACTERS, CheckedTokens
from api.settings import Settings


def signed(*, secret: str = SECRET, **claims: object) -> str:
    now = int(time.time())
    return jwt.encode({"sub": "ann", "tenant_id": "acme", "iat": now, "exp": now + 600, **claims}, secret, "HS256")


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Return what says how many signatures were checked by now."""
    decode, count = jwt.decode, [0]

    def counted(*args: Any, **kwargs: Any) -> Any:
        count[0] += 1
        return decode(*args, **kwargs)

    monkeypatch.setattr(jwt, "decode", counted)
    return lambda: count[0]


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Return what sets the clocks forward, that of the library which checks, too."""
    by = [0.0]

    class Moved(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Moved":
            return cls.fromtimestamp(time.time(), tz)

    monkeypatch.setattr(jwt.api_jwt, "datetime", Moved)
    for name in ("time", "monotonic"):
        clock = getattr(time, name)
        monkeypatch.setattr(time, name, lambda clock=clock: clock() + by[0])

    def move(seconds: float) -> None:
        by[0] += seconds

    return move


def authenticator(**settings: Any) -> Authenticator:
    return Authenticator(Settings(_env_file=None, jwt_secret=SECRET, **settings))


async def test_a_token_is_checked_once_in_a_minute_and_each_time_when_it_is_not_good(
    checks: Callable[[], int], moved: Callable[[float], None]
) -> None:
    """G511: whatever is like a good one, and is none, is refused all the same."""
    door, good = authenticator(), signed()
    for _ in range(5):
        assert (await door.authenticate(f"Bearer {good}")).user_id == "ann"
    assert checks() == 1
    for wrong in (good[:-2] + ("AA" if good[-2:] != "AA" else "BB"), signed(secret="other" * 10), good + "A"):
        for _ in range(2):
            with pytest.raises(UnauthorizedError):
                await door.authenticate(f"Bearer {wrong}")
    assert checks() == 7
    moved(FRESH_S + 1)
    assert (await door.authenticate(f"Bearer {good}")).user_id == "ann"
    assert checks() == 8


async def test_a_token_is_good_no_moment_longer_than_it_says(moved: Callable[[float], None]) -> None:
    """G511"""
    door, ends = authenticator(jwt_leeway_s=0), int(time.time() + FRESH_S / 2)
    short = f"Bearer {signed(exp=ends)}"
    for _ in range(2):
        assert (await door.authenticate(short)).user_id == "ann"
    moved(ends - time.time())
    with pytest.raises(UnauthorizedError, match=r"^The token has expired\.$"):
        await door.authenticate(short)


def test_what_is_known_is_bounded_and_is_no_token(
    moved: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """G511: it counts by the keys that it was checked with, in the token's own time, and goes with the next one after that."""
    known, keys, claims = CheckedTokens(leeway_s=10), object(), {"exp": time.time() + 1000, "nbf": time.time()}
    known.keep("token-1", claims, keys=keys)
    assert known.find("token-1", keys=keys) == claims
    assert "token-1" not in str(vars(known))
    known.keep("x" * (MOST_CHARACTERS + 1), claims, keys=keys)
    assert (len(known), known.find("x" * (MOST_CHARACTERS + 1), keys=keys)) == (1, None)
    assert known.find("token-1", keys=object()) is None
    assert len(known) == 0
    for early in ({"exp": time.time() - 20}, {"exp": time.time() + 9, "iat": time.time() + 60}):
        known.keep("token-2", early, keys=keys)
        assert known.find("token-2", keys=keys) is None
    monkeypatch.setattr(checked, "MOST", 3)
    for number in range(10):
        known.keep(f"token-{number}", claims, keys=keys)
    assert [number for number in range(10) if known.find(f"token-{number}", keys=keys)] == [7, 8, 9]
    moved(FRESH_S + 1)
    known.keep("new", claims, keys=keys)
    assert len(known) == 1


async def test_claims_are_the_callers_own() -> None:
    """G511: what one caller does with them, no other sees."""
    door, good = authenticator(), f"Bearer {signed()}"
    for _ in range(2):
        claims, _token = await door.claims(good)
        assert claims["sub"] == "ann"
        claims["sub"] = "eve"
