"""The log's words for an exception that a tool raised: little enough, and nothing that is a secret."""

import pytest
from pydantic import BaseModel, ValidationError

from agent.masking import Mask
from agent.places import message_of


class Row(BaseModel):
    """A row as a tool's author expects it of a backend."""

    total: int


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise KeyError


def test_what_a_tools_exception_says_is_told_in_one_short_line_without_secrets_and_values() -> None:
    """G414: and one that cannot say what it is breaks nothing."""
    mask = Mask()
    mask.learn("the-token-of-a-user")
    with pytest.raises(ValidationError) as wrong:
        Row.model_validate({"total": "maria@example.com"})
    said = message_of(wrong.value, mask)
    assert said.startswith("total: Input should be a valid integer")
    assert "maria" not in said
    assert message_of(RuntimeError("no\nluck with the-token-of-a-user"), mask) == "no luck with ***"
    assert message_of(KeyError("plan"), mask) == "'plan'"
    across = message_of(RuntimeError("x" * 190 + " the-token-of-a-user"), mask)
    assert across == f"{'x' * 190} ***"
    assert len(message_of(RuntimeError("long " * 10_000), mask)) == 200
    assert message_of(UnspeakableError(), mask) == "<exception str() failed>"
