"""The tree of errors: stable public codes, and texts that may be shown."""

from collections.abc import Iterator

import agent.errors
from agent.errors import FrontdeskError, RequestError, RunError

WIRE = {
    *("invalid_request", "unauthorized", "forbidden", "not_found", "run_active", "superseded", "not_waiting"),
    *("idempotency_mismatch", "payload_too_large", "rate_limited", "overloaded", "already_decided", "already_claimed"),
}
STREAM = {
    *("model_unavailable", "model_rate_limited", "model_timeout", "model_refused", "model_quota", "model_unauthorized"),
    *("context_too_long", "interrupted", "deadline"),
}


def below(root: type[FrontdeskError]) -> Iterator[type[FrontdeskError]]:
    for kind in root.__subclasses__():
        if kind.__module__ == agent.errors.__name__:
            yield kind
            yield from below(kind)


def test_every_request_error_has_a_code_of_the_contract() -> None:
    assert {kind.code for kind in below(RequestError)} == WIRE


def test_every_run_error_has_a_code_of_the_contract() -> None:
    assert {kind.code for kind in below(RunError)} == STREAM


def test_what_clients_are_told_of_a_failed_run_is_a_sentence_of_its_own() -> None:
    texts = [kind.public for kind in below(RunError) if issubclass(kind, RunError)]
    assert len(set(texts)) == len(texts)
    assert all(text.endswith(".") for text in texts)


def test_the_module_shows_every_error_in_its_tree() -> None:
    tree = agent.errors.__doc__ or ""
    assert not [kind.__name__ for kind in below(FrontdeskError) if kind.__name__ not in tree]


def test_every_error_says_when_it_is_raised() -> None:
    assert all(kind.__doc__ for kind in below(FrontdeskError))
