"""The assistant as a widget shows it before the first message."""

from fastapi import APIRouter, Request
from pydantic import BaseModel

from api.dependencies import InstallationDep
from api.requests import CONTEXT_BYTES, MESSAGE_CHARACTERS

router = APIRouter(tags=["service"])


class ActionView(BaseModel):
    """An action that the page may be asked for; `values` maps each value to its meaning."""

    description: str
    values: dict[str, str]


class LimitsView(BaseModel):
    message_characters: int = MESSAGE_CHARACTERS
    context_bytes: int = CONTEXT_BYTES


class AssistantView(BaseModel):
    """The assistant before the first message, without what its model is told."""

    name: str
    greeting: str
    starters: list[str]
    models: list[str]
    actions: dict[str, ActionView]
    suggestions: bool
    limits: LimitsView


@router.get("/assistant")
async def describe_assistant(request: Request, services: InstallationDep) -> AssistantView:
    """Describe the assistant: with a token as the caller's tenant has it, without one as it is."""
    assistant = services.assistant
    if "authorization" in request.headers:
        principal = await services.authenticator.authenticate(request.headers["authorization"])
        assistant = assistant.for_tenant(principal.tenant_id)
    return AssistantView(
        name=assistant.name,
        greeting=assistant.greeting,
        starters=list(assistant.starters),
        models=services.catalog.names(assistant),
        actions={
            name: ActionView(description=action.description, values=action.values)
            for name, action in assistant.actions.items()
        },
        suggestions=assistant.suggestions.enabled,
        limits=LimitsView(),
    )
