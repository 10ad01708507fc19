"""Follow-up questions to an answer, made when somebody wants them."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from agent.attempt.snapshot import raised
from agent.budget import QuotaExceededError
from agent.errors import RunError
from agent.events.fold import Answer
from api.dependencies import NEEDS_SEAT, InstallationDep, PrincipalDep
from api.errors import PROBLEMS, problem
from api.protocols import answer as answers
from api.respond import CLIENT_GONE
from api.waiting import while_connected

router = APIRouter(tags=["chat"], responses=PROBLEMS)


class SuggestionsView(BaseModel):
    """Up to three questions that may follow an answer; none where the model has none."""

    message_id: UUID
    suggested_questions: tuple[str, ...]


@router.post("/messages/{message_id}/suggestions", response_model=SuggestionsView, dependencies=[NEEDS_SEAT])
async def suggest_questions(
    message_id: UUID, request: Request, principal: PrincipalDep, services: InstallationDep
) -> Response | SuggestionsView:
    """Return follow-up questions to a complete answer. They are made at the first time, kept, and given again."""
    try:
        questions = await while_connected(request, services.runner.suggest(principal, message_id))
    except QuotaExceededError:
        raise
    except RunError as error:
        return _model_problem(error)
    if questions is None:
        return Response(status_code=CLIENT_GONE)
    return SuggestionsView(message_id=message_id, suggested_questions=questions)


def _model_problem(error: RunError) -> Response:
    """Return what a failed run with this error would be over HTTP, without a run."""
    told = Answer()
    told.apply(raised(error))
    return problem(
        answers.status(told), error.code, "The model did not answer", error.public, headers=answers.headers(told)
    )
