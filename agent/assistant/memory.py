"""The facts that an assistant may remember of its users beyond a conversation, and of their tenant."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from agent.assistant.model import Definition, Role, in_full
from agent.assistant.selection import EmbeddingModel

Roles = Annotated[tuple[Role, ...], Field(max_length=20)]


class Memory(Definition):
    """Facts that outlive conversations. In a definition `true` alone stands for one with all defaults: users' own facts only."""

    tenant_readers: Roles = Field(default=(), description="roles that are told the tenant's own facts as well")
    tenant_writers: Roles = Field(
        default=(),
        description="roles that may have facts of the tenant remembered, changed and forgotten; they read them, too",
    )
    fact_characters: int = Field(default=500, ge=20, le=2000, description="of one fact")
    facts_per_user: int = Field(default=200, ge=1, le=1000)
    facts_per_tenant: int = Field(default=200, ge=1, le=1000)
    told_facts: int = Field(default=5, ge=1, le=50, description="of one question: those that fit it best")
    told_tokens: int = Field(default=1000, ge=50, le=20_000, description="of these, estimated; about four bytes each")
    find_timeout_s: float = Field(
        default=0.05, gt=0, le=5, description="for finding them; then the turn begins without"
    )
    cache_s: float = Field(
        default=60.0, ge=0, le=600, description="for which facts fit the same question of a user; texts are always read"
    )

    embeddings: Literal["installed", "none"] | EmbeddingModel = Field(
        default="none", description="what finds facts by what they mean, too; installed: the extra `embeddings`"
    )

    @property
    def has_vectors(self) -> bool:
        """Whether facts are found by what they mean, too."""
        return self.embeddings != "none"

    def reads_tenant(self, role: str) -> bool:
        """Return whether somebody of this role is told the tenant's facts."""
        return role in self.tenant_readers or role in self.tenant_writers

    def writes_tenant(self, role: str) -> bool:
        """Return whether somebody of this role may change the tenant's facts."""
        return role in self.tenant_writers


MemoryOrNone = Annotated[Memory | None, BeforeValidator(in_full)]
