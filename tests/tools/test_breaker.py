"""The breaker: when a backend counts as down for a tenant, who looks whether it is back, and what is never held against it."""

import re
from collections.abc import Callable
from contextlib import suppress

import pytest
from prometheus_client import REGISTRY

from agent import breaker as module
from agent.breaker import Outcome
from agent.errors import BackendDownError
from agent.region import Region
from tools.backends.breaker import Breaker
from tools.backends.limits import BackendLimits

LIMITS = BackendLimits(failures=3, failures_s=60, pause_s=15)


class Clock:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(LIMITS, name="orders", clock=clock)


def ask(breaker: Breaker, outcome: Outcome, *, tenant: str = "acme", times: int = 1) -> None:
    for _ in range(times):
        breaker.enter(tenant).settle(outcome)


def is_down(breaker: Breaker, tenant: str = "acme") -> bool:
    try:
        breaker.check(tenant)
    except BackendDownError:
        return True
    return False


def test_it_opens_at_the_last_of_so_many_failures_and_says_since_when(breaker: Breaker) -> None:
    """G225"""
    ask(breaker, "ill", times=2)
    assert not is_down(breaker)
    ask(breaker, "ill")
    with pytest.raises(BackendDownError) as refused:
        breaker.enter("acme")
    assert re.fullmatch(
        r"The business system is down since \d\d:\d\d UTC, so it was not asked\."
        r" Do not try again in this answer; tell the user\.",
        str(refused.value),
    )


def test_it_says_so_by_the_users_own_clock(breaker: Breaker) -> None:
    """G225"""
    ask(breaker, "ill", times=3)
    with pytest.raises(BackendDownError, match=r"since \d\d:\d\d, so it"):
        breaker.check("acme", Region(time_zone="Asia/Kolkata"))


def test_failures_of_long_ago_do_not_count(breaker: Breaker, clock: Clock) -> None:
    """G225"""
    for _ in range(10):
        ask(breaker, "ill", times=2)
        clock.now_s += 60
    assert not is_down(breaker)


def test_a_backend_that_mostly_answers_is_not_down(breaker: Breaker) -> None:
    """G225: failures have to be half of all."""
    ask(breaker, "ill")
    for _ in range(200):
        ask(breaker, "well", times=2)
        ask(breaker, "ill")
    assert not is_down(breaker)
    for _ in range(64):
        with suppress(BackendDownError):
            ask(breaker, "ill")
    assert is_down(breaker)


def test_what_says_nothing_of_it_never_counts(breaker: Breaker) -> None:
    """G225: a user's stop, above all."""
    ask(breaker, "ill", times=2)
    ask(breaker, "unsaid", times=1000)
    assert not is_down(breaker)
    ask(breaker, "ill")
    assert is_down(breaker)


def test_one_request_looks_whether_it_is_back_and_the_others_are_refused_meanwhile(
    breaker: Breaker, clock: Clock
) -> None:
    """G225: exactly one, however many want to."""
    ask(breaker, "ill", times=3)
    clock.now_s += 14.9
    assert is_down(breaker)
    clock.now_s += 0.1
    looking = breaker.enter("acme")
    for _ in range(20):
        with pytest.raises(BackendDownError):
            breaker.enter("acme")
    looking.settle("well")
    assert not is_down(breaker)
    ask(breaker, "ill", times=2)
    assert not is_down(breaker), "it begins anew"


def test_a_look_that_finds_it_ill_waits_again(breaker: Breaker, clock: Clock) -> None:
    """G225"""
    ask(breaker, "ill", times=3)
    clock.now_s += 15
    ask(breaker, "ill")
    assert is_down(breaker)
    clock.now_s += 14.9
    assert is_down(breaker)
    clock.now_s += 0.2
    ask(breaker, "well")
    assert not is_down(breaker)


def test_a_look_that_was_given_up_is_the_next_ones(breaker: Breaker, clock: Clock) -> None:
    """G225: nobody is refused for ever because one user pressed Stop."""
    ask(breaker, "ill", times=3)
    clock.now_s += 15
    for _ in range(3):
        looking = breaker.enter("acme")
        assert is_down(breaker)
        looking.settle("unsaid")
        looking.settle("ill")  # only the first word counts
    ask(breaker, "well")
    assert not is_down(breaker)


def test_what_left_before_it_was_down_changes_nothing_when_it_comes_back(breaker: Breaker, clock: Clock) -> None:
    early = [breaker.enter("acme") for _ in range(10)]
    ask(breaker, "ill", times=3)
    for passage in early[:5]:
        passage.settle("ill")
    for passage in early[5:]:
        passage.settle("well")
    assert is_down(breaker)
    clock.now_s += 15
    assert not is_down(breaker)


def test_one_tenants_failures_are_no_others(breaker: Breaker) -> None:
    """G225"""
    ask(breaker, "ill", times=3)
    assert is_down(breaker)
    assert not is_down(breaker, "globex")
    ask(breaker, "well", tenant="globex")


def test_nothing_is_kept_of_tenants_without_failures(breaker: Breaker, clock: Clock) -> None:
    for n in range(1000):
        ask(breaker, "well", tenant=f"tenant-{n}")
    assert (len(breaker._up), len(breaker._down)) == (0, 0)
    ask(breaker, "ill", times=2)
    clock.now_s += 60
    ask(breaker, "well")
    assert len(breaker._up) == 0


def test_a_tenant_takes_one_place_and_nobody_elses(
    breaker: Breaker, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G225: whatever the others do, it stays down for whom it is down."""
    monkeypatch.setattr(module, "MAX_KEYS", 10)
    ask(breaker, "ill", times=3)
    for n in range(1000):
        ask(breaker, "ill", tenant=f"tenant-{n}", times=2)
    assert is_down(breaker)
    assert len(breaker._up) == 10
    for _ in range(1000):
        with suppress(BackendDownError):
            ask(breaker, "ill", tenant="noisy", times=3)
        clock.now_s += 1
    assert len(breaker._down) == 2
    for n in range(100):
        ask(breaker, "ill", tenant=f"tenant-{n}", times=3)
    assert len(breaker._down) == 10


def test_each_change_is_counted_and_logged_once(
    breaker: Breaker, clock: Clock, capfd: pytest.CaptureFixture[str], counted: Callable[[str], float]
) -> None:
    """G225"""
    before = {state: counted(state) for state in ("down", "looking", "up")}
    ask(breaker, "ill", times=3)
    for _ in range(5):
        with suppress(BackendDownError):
            breaker.enter("acme")
    clock.now_s += 15
    ask(breaker, "ill")
    clock.now_s += 15
    ask(breaker, "well", times=5)
    assert {state: counted(state) - before[state] for state in before} == {"down": 2, "looking": 2, "up": 1}
    logged = "".join(capfd.readouterr())
    assert [len(re.findall(rf"\bbackend_{state}\b", logged)) for state in before] == [2, 2, 1]


@pytest.fixture
def counted() -> Callable[[str], float]:
    def count(state: str) -> float:
        labels = {"backend": "orders", "state": state}
        return REGISTRY.get_sample_value("frontdesk_backend_changes_total", labels) or 0.0

    return count
