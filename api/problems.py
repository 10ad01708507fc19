"""The content of an error before a stream, whatever form a protocol gives it."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel


class FieldProblem(BaseModel):
    """A field, and what is wrong with it."""

    field: str
    message: str


class Problem(BaseModel):
    """An error before a stream starts (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldProblem] | None = None
    run_id: UUID | None = None
    outcome: str | None = None
    resets_at: datetime | None = None
