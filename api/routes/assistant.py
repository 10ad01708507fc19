"""The assistant as a widget shows it before the first message."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from agent.assistant.definition import Assistant
from agent.files.kinds import suffixes_of
from api.dependencies import InstallationDep, Services, admit, count_address
from api.errors import PROBLEMS
from api.requests import CONTEXT_BYTES, MESSAGE_CHARACTERS
from api.voice import kinds_of

router = APIRouter(tags=["service"], responses=PROBLEMS)


class ActionView(BaseModel):
    """An action that the page may be asked for; `values` maps each value to its meaning."""

    description: str
    values: dict[str, str]


class VoiceView(BaseModel):
    """Who speaks and who listens: the browser, or models at `/audio/speech` and `/audio/transcriptions`. What is off is left out."""

    speech: Literal["browser", "server"] | None = None
    dictation: Literal["browser", "server"] | None = None


class LimitsView(BaseModel):
    message_characters: int = MESSAGE_CHARACTERS
    context_bytes: int = CONTEXT_BYTES
    lanes: int = Field(description="models that may answer a message side by side; 1: no two do")


class FilesView(BaseModel):
    """The files that may be sent; a client's picker may offer those whose names end so."""

    types: list[str]
    max_bytes: int
    max_per_message: int


class AssistantName(BaseModel):
    """An assistant, where there are several to choose from."""

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
    voice: VoiceView | None = None
    approves: bool | None = Field(
        default=None, description="true: people of the caller's role are asked in place of others, at GET /approvals"
    )
    files: FilesView | None = Field(default=None, description="None: it takes none, or the caller has no token")
    memory: bool | None = Field(
        default=None, description="true: facts about the caller may be remembered, listed at GET /memories"
    )
    assistants: list[AssistantName] | None = Field(
        default=None, description="all that the caller may use, where there are several"
    )


def _files(services: Services, assistant: Assistant) -> FilesView | None:
    if assistant.files is None:
        return None
    limits = services.files.limits
    return FilesView(
        types=suffixes_of(assistant.files.types), max_bytes=limits.file_bytes, max_per_message=limits.per_message
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
        voice=None if (kinds := kinds_of(assistant.voice)) is None else VoiceView.model_validate(kinds),
        approves=(principal is not None and assistants.are_approved_by(principal)) or None,
        files=_files(services, assistant) if principal is not None else None,
        memory=(principal is not None and bool(assistants.memories_of(principal))) or None,
        assistants=others if assistants.are_several else None,
    )
