"""The assistant as a widget shows it before the first message."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from api.dependencies import InstallationDep, admit, count_address
from api.errors import PROBLEMS
from api.requests import CONTEXT_BYTES, MESSAGE_CHARACTERS

router = APIRouter(tags=["service"], responses=PROBLEMS)


class ActionView(BaseModel):
    """An action that the page may be asked for; `values` maps each value to its meaning."""

    description: str
    values: dict[str, str]


class LimitsView(BaseModel):
    message_characters: int = MESSAGE_CHARACTERS
    context_bytes: int = CONTEXT_BYTES
    lanes: int = Field(description="models that may answer a message side by side; 1: no two do")


class AssistantName(BaseModel):
    """One of several assistants, to choose from."""

    id: str
    name: str


class AssistantView(BaseModel):
    """The assistant before the first message, without what its model is told."""

    id: str | None = Field(default=None, description="what requests name it by, where there are several")

    name: str
    greeting: str
    starters: list[str] = Field(description="those for the caller's role; without a token, those for everybody")
    models: list[str]
    actions: dict[str, ActionView]
    suggestions: bool
    suggestions_when: Literal["after", "on_demand"] | None = Field(
        default=None, description="on_demand: only where they are asked for, by POST /messages/{id}/suggestions"
    )
    limits: LimitsView
    approves: bool | None = Field(
        default=None, description="true: people of the caller's role are asked in place of others, at GET /approvals"
    )
    memory: bool | None = Field(
        default=None, description="true: facts about the caller may be remembered, listed at GET /memories"
    )
    assistants: list[AssistantName] | None = Field(
        default=None, description="all that the caller may use, where there are several"
    )


@router.get("/assistant", response_model_exclude_none=True)
async def describe_assistant(
    request: Request,
    services: InstallationDep,
    named: Annotated[str | None, Query(alias="assistant", max_length=64, description="its id")] = None,
) -> AssistantView:
    """Describe the assistant: with a token as the caller's tenant has it, without one as it is. Of several, one that the caller may use."""
    principal = None
    if "authorization" in request.headers:
        await count_address(services, request)
        principal = await admit(services, request, request.headers["authorization"])
    assistants = services.assistants
    equipped = assistants.of(principal, named)
    assistant = equipped.definition
    others = [AssistantName(id=one.id, name=one.definition.name) for one in assistants.usable_by(principal)]
    return AssistantView(
        id=equipped.kept_as,
        name=assistant.name,
        greeting=assistant.greeting,
        starters=[one.text for one in assistant.starters if one.is_for(principal.role if principal else None)],
        models=services.catalog.names(assistant),
        actions={
            name: ActionView(description=action.description, values=action.values)
            for name, action in assistant.actions.items()
        },
        suggestions=assistant.suggestions.enabled,
        suggestions_when=assistant.suggestions.when if assistant.suggestions.enabled else None,
        limits=LimitsView(lanes=assistant.limits.lanes),
        approves=(principal is not None and assistants.are_approved_by(principal)) or None,
        memory=(principal is not None and bool(assistants.memories_of(principal))) or None,
        assistants=others if assistants.are_several else None,
    )
