"""The budgets in an assistant's file: of each tenant, and of each user."""

from pydantic import Field

from agent.assistant.model import Definition
from agent.budget import Budget


class Budgets(Definition):
    """How much may be used of all assistants together, where this one is asked. None has no limit, 0 lets nothing through."""

    tenant: Budget = Field(default=Budget(), description="of a tenant, all of its users together")
    user: Budget = Field(default=Budget(), description="of each user")
    output_tokens: int = Field(
        default=1000,
        ge=1,
        le=1_000_000,
        description="what a step is expected to say, where its model's parameters have no max_tokens",
    )

    @property
    def has_cost(self) -> bool:
        """Whether anything limits what is paid for."""
        return self.tenant.has_cost or self.user.has_cost
