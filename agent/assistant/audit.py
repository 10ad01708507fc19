"""The part of a definition about the record of deeds."""

from pydantic import Field

from agent.assistant.model import Definition, Role


class Audit(Definition):
    """Who may read the record of what was done, of all users of their tenant, and for how long it is kept."""

    roles: tuple[Role, ...] = Field(default=(), description="of tokens; else nobody")
    keep_days: int = Field(
        default=365, ge=1, le=36_500, description="of several assistants the longest time counts for all of a tenant"
    )
