"""Turns with lanes: several models beside each other, all read in one stream, and one chosen."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, Field

from agent.store.choices import Lanes
from api.dependencies import NEEDS_SEAT, InstallationDep, PrincipalDep
from api.errors import PROBLEMS
from api.lanes import MAX_ID_CHARACTERS, stream_lanes
from api.views import RunView, run_view

router = APIRouter(tags=["lanes"], responses=PROBLEMS)

STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The native events of all lanes; each names its `lane` and `model`.",
        "content": {"text/event-stream": {}},
    }
}


class TurnView(BaseModel):
    """A turn with lanes, as it is now."""

    id: UUID = Field(description="the run of its first lane")
    conversation_id: UUID
    turn: int
    answer: UUID = Field(
        description="the run that is the answer: the chosen one, or else the first that did not go wrong"
    )
    chosen: UUID | None = Field(description="the run that the user chose")
    lanes: list[RunView]


class ChooseRequest(BaseModel):
    """Which lane is the answer of its turn."""

    run_id: UUID


def _view(lanes: Lanes) -> TurnView:
    first = lanes.runs[0]
    return TurnView(
        id=first.id,
        conversation_id=first.conversation_id,
        turn=first.turn,
        answer=lanes.answer,
        chosen=lanes.chosen,
        lanes=list(map(run_view, lanes.runs)),
    )


@router.get("/turns/{turn_id}")
async def read_turn(turn_id: UUID, principal: PrincipalDep, services: InstallationDep) -> TurnView:
    """Return a turn's lanes, and which of them is the answer. The run of any of them names it."""
    return _view(await services.runner.turns.read(principal, turn_id))


@router.get("/turns/{turn_id}/events", responses=STREAM, response_class=Response, dependencies=[NEEDS_SEAT])
async def stream_turn(
    turn_id: UUID,
    request: Request,
    principal: PrincipalDep,
    services: InstallationDep,
    _last_event_id: Annotated[str | None, Header(alias="Last-Event-ID", max_length=MAX_ID_CHARACTERS)] = None,
    _after: Annotated[
        str | None, Query(alias="after", max_length=MAX_ID_CHARACTERS, description="as Last-Event-ID, which wins")
    ] = None,
    _format: Annotated[Literal["native"], Query(alias="format")] = "native",
) -> Response:
    """Stream the events of all lanes from `Last-Event-ID` on, which has a part for each. Closing the connection stops none."""
    lanes = await services.runner.turns.read(principal, turn_id)  # while a 404 can still be sent
    return stream_lanes(request, services.runner, principal, lanes)


@router.post("/turns/{turn_id}/cancel")
async def cancel_turn(turn_id: UUID, principal: PrincipalDep, services: InstallationDep) -> TurnView:
    """Stop all lanes of a turn; what they said is kept, marked as partial. Stopping them again changes nothing."""
    return _view(await services.runner.turns.cancel(principal, turn_id))


@router.post("/conversations/{conversation_id}/choose")
async def choose(
    conversation_id: UUID, body: ChooseRequest, principal: PrincipalDep, services: InstallationDep
) -> TurnView:
    """Make a lane the answer of its turn, until a later turn has begun. The other lanes stay readable as versions.

    409 `superseded`: the conversation has gone on from another answer.
    """
    return _view(await services.runner.turns.choose(principal, conversation_id, body.run_id))
