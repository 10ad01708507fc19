"""Parts of events: what was used, and how far a budget is used up by it."""

from typing import Literal

import msgspec


class Usage(msgspec.Struct, frozen=True):
    """Tokens as the provider counted them, over all steps of a run."""

    input_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.input_tokens + other.input_tokens, self.output_tokens + other.output_tokens)


class BudgetUsed(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far a budget is used up; `is_near` from four fifths on. Numbers are of users' own: a tenant's are its business."""

    whose: Literal["user", "tenant"]
    kind: Literal["runs", "tokens", "cost"]
    period: Literal["day", "month"]
    share: float
    is_near: bool
    resets_at: str
    used: float | None = None
    limit: float | None = None
