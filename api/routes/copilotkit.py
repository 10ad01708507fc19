"""The routes that CopilotKit's React client asks of its Node runtime, so that it needs none. Source: `@copilotkit/core` 1.74.0.

Its agents are the assistants that the user may use. The client asks `default` where it names none.
"""

from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import uuid4

import orjson
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from agent.assistant.source import DEFAULT
from agent.errors import NotFoundError
from agent.principal import Principal
from agent.store.conversations import get_conversation
from agent.store.naming import newest_turn
from agent.store.runs import find_run_by_key
from api import __version__
from api.dependencies import NEEDS_SEAT, InstallationDep, PrincipalDep, Services
from api.errors import PROBLEMS
from api.protocols.ag_ui.request import IDS_READ, RunAgentInput, key_of
from api.requests import ClientKey
from api.threads import STREAM, answer, empty_run, join, latest_run, running

router = APIRouter(prefix="/copilotkit", tags=["copilotkit"], responses=PROBLEMS)

SUGGEST = "copilotkitSuggest"
"""The tool whose arguments the client reads suggestions from."""


class AgentView(BaseModel):
    """An assistant as the client lists agents."""

    name: str
    description: str
    class_name: str = Field(default="HttpAgent", serialization_alias="className")


class ThreadEndpoints(BaseModel):
    """The endpoints of threads that the client may ask: none, our own routes list conversations."""

    list: bool = False
    inspect: bool = False
    mutations: bool = False
    realtime_metadata: bool = Field(default=False, serialization_alias="realtimeMetadata")


class RuntimeInfo(BaseModel):
    """The description of the runtime, which the client asks for first."""

    version: str = __version__
    agents: dict[str, AgentView]
    mode: Literal["sse"] = "sse"
    thread_endpoints: ThreadEndpoints = Field(default_factory=ThreadEndpoints, serialization_alias="threadEndpoints")
    suggestions: bool = True
    audio: bool = Field(default=False, serialization_alias="audioFileTranscriptionEnabled")
    telemetry_disabled: bool = Field(default=True, serialization_alias="telemetryDisabled")


class Stop(BaseModel):
    """Which run to stop; none named: whatever runs."""

    run_id: ClientKey | None = Field(default=None, alias="runId")


class Stopped(BaseModel):
    stopped: bool


def _agents(services: Services, principal: Principal) -> dict[str, str | None]:
    """Return the assistants that the user may use, by the ids of the client's agents; None is the one of whoever names none."""
    usable = [one.id for one in services.assistants.usable_by(principal)]
    agents: dict[str, str | None] = {one: one for one in usable}
    if len(usable) == 1:
        agents.setdefault(DEFAULT, None)
    return agents


async def get_agent(agent_id: str, principal: PrincipalDep, services: InstallationDep) -> str | None:
    """Return the assistant that an agent is; None for the only one."""
    agents = _agents(services, principal)
    if agent_id not in agents:
        raise NotFoundError("No such agent.")
    return agents[agent_id]


AgentDep = Annotated[str | None, Depends(get_agent)]


@router.get("/info")
async def describe_runtime(principal: PrincipalDep, services: InstallationDep) -> RuntimeInfo:
    """Describe the agents that the user has."""
    names = {one.id: one.definition.name for one in services.assistants.usable_by(principal)}
    agents = {
        agent_id: AgentView(name=agent_id, description=names[assistant or next(iter(names))])
        for agent_id, assistant in _agents(services, principal).items()
    }
    return RuntimeInfo(agents=agents)


@router.post("/agent/{agent_id}/run", responses=STREAM, response_class=Response, dependencies=[NEEDS_SEAT])
async def run(
    body: RunAgentInput, request: Request, principal: PrincipalDep, services: InstallationDep, agent: AgentDep
) -> Response:
    """Answer the last message of the user, as `POST /ag-ui` does."""
    return await answer(request, principal, services, body, assistant=agent)


@router.post(
    "/agent/{agent_id}/connect",
    responses=STREAM,
    response_class=Response,
    dependencies=[NEEDS_SEAT, Depends(get_agent)],
)
async def connect(
    body: RunAgentInput, request: Request, principal: PrincipalDep, services: InstallationDep
) -> Response:
    """Give a page the thread's messages, and what runs in it; of a thread that nobody has begun an empty run."""
    latest = await latest_run(services.store, principal, body.thread_id)
    if latest is None:
        return empty_run(body)
    return await join(request, principal, services, body, latest)


@router.post("/agent/{agent_id}/stop/{thread_id:path}", dependencies=[Depends(get_agent)])
async def stop(thread_id: str, principal: PrincipalDep, services: InstallationDep, body: Stop | None = None) -> Stopped:
    """Stop what runs in the thread, or only the run that is named where it is known. Where nothing runs, nothing happens."""
    active = await running(services.store, principal, thread_id)
    if active is None:
        return Stopped(stopped=False)
    if body is not None and body.run_id is not None:
        keep = timedelta(seconds=services.settings.idempotency_keep_s)
        async with services.store.read(principal.tenant_id) as connection:
            named = await find_run_by_key(connection, principal, key_of(thread_id, body.run_id), keep=keep, frees=False)
        if named is not None and named.id != active.id:
            return Stopped(stopped=False)
    await services.runner.turns.stop(principal, active)
    return Stopped(stopped=True)


@router.post("/agent/{agent_id}/suggest", responses=STREAM, response_class=Response, dependencies=[Depends(get_agent)])
async def suggest(body: RunAgentInput, principal: PrincipalDep, services: InstallationDep) -> Response:
    """Give the suggestions that the last answer came with, as the call that the client reads; it asks no model."""
    ids = [one["id"] for one in body.messages if isinstance(one, dict) and isinstance(one.get("id"), str)]
    async with services.store.read(principal.tenant_id) as connection:
        found = await newest_turn(connection, principal, ids[-IDS_READ:], conversation_id=None)
        if found is not None:
            await get_conversation(connection, principal, found.conversation_id)
    if found is None or not found.suggestions:
        return empty_run(body)
    offered: list[dict[str, Any]] = [{"title": one, "message": one} for one in found.suggestions]
    call = {"toolCallId": str(uuid4())}
    arguments = orjson.dumps({"suggestions": offered}).decode()
    return empty_run(
        body,
        [
            {"type": "TOOL_CALL_START", **call, "toolCallName": SUGGEST, "parentMessageId": str(uuid4())},
            {"type": "TOOL_CALL_ARGS", **call, "delta": arguments},
            {"type": "TOOL_CALL_END", **call},
        ],
    )
