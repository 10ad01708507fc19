"""How people are asked before a tool changes something."""

from typing import Literal

from pydantic import Field

from agent.assistant.model import Definition, Role


class Approvals(Definition):
    """How people are asked before a tool changes something."""

    expires_s: float = Field(default=900.0, ge=1, le=86_400, description="then it is a no")
    when_waiting: Literal["deny", "enqueue", "reject"] = Field(
        default="deny", description="what a new message does to a question: it is a no, it waits, it is refused"
    )
    approvers: tuple[Role, ...] = Field(
        default=(), max_length=20, description="roles of other people who answer; none: the user does"
    )
    resume_s: float = Field(
        default=86_400.0, ge=1, le=86_400, description="for the user to come back after somebody else's answer"
    )
    always_allow: bool = Field(
        default=False, description="whether a user may say yes to all calls of a tool in a conversation"
    )
