"""Answers of protocols' clients to the calls that their page was asked for: with their next post, among all that it holds.

The invariant: an answer is to a call that the run asked of its page, and counts once. One that says again what counted already
changes nothing, and is no mistake.
"""

from collections.abc import Mapping
from contextlib import suppress

from agent.assistant.pages import names_of
from agent.errors import (
    AlreadyDecidedError,
    ForbiddenError,
    InterruptedRunError,
    InvalidRequestError,
    NotWaitingError,
)
from agent.principal import Principal
from agent.runs.stored import read_run
from agent.store.page_calls import PageCall, list_page_calls
from agent.store.runs import Run
from api.dependencies import Services
from api.page_requests import PageSaid


def page_names(services: Services, principal: Principal, run: Run) -> frozenset[str]:
    """Return what a run's page may call its tools; none where the run's assistant is gone."""
    try:
        definition = services.assistants.resume(principal, run.assistant).definition
    except InterruptedRunError:
        return frozenset()
    return names_of(definition.page_tools, run.client_tools)


async def tell(
    services: Services, principal: Principal, run: Run, said: Mapping[str, PageSaid], *, is_all: bool = True
) -> tuple[Run, frozenset[str]]:
    """Take what a page says of calls of the principal's run; return the run as it goes on, and the calls that were its page's.

    `is_all`: the page says nothing else with this, so it is told what does not count. Otherwise that is passed over.

    Raises:
        AlreadyDecidedError: none counts, and one was answered otherwise before, or comes too late.
        InvalidRequestError: one is too large, or no result of this tool; then none counts.
        ForbiddenError, OverloadedError: as the runner's.
    """
    asked = await _asked(services, principal, run)
    known = {call_id: one for call_id, one in said.items() if call_id in asked}
    new: dict[str, object] = {}
    for call_id, one in known.items():
        if asked[call_id].state == "open":
            try:
                new[call_id], _ = one.to(asked[call_id])
            except InvalidRequestError:
                if is_all:
                    raise
    counted = False
    for call_id, result in new.items():
        try:
            run = await services.runner.page_answers.answer(
                principal, run.id, call_id, result=result, error=known[call_id].error
            )
            counted = True
        except AlreadyDecidedError:
            pass  # somebody was faster, or it is too late
        except (ForbiddenError, NotWaitingError):
            if is_all:
                raise
    if known and is_all and not counted:
        asked = await _asked(services, principal, run)
        for call_id, one in known.items():
            _check_same(asked[call_id], one)
        run = await read_run(services.store, principal, run.id)
    return run, frozenset(known)


async def _asked(services: Services, principal: Principal, run: Run) -> dict[str, PageCall]:
    async with services.store.read(principal.tenant_id) as connection:
        found = await list_page_calls(connection, principal.tenant_id, run.id)
    return {one.tool_call_id: one for one in found}


def _check_same(call: PageCall, said: PageSaid) -> None:
    """Raise AlreadyDecidedError where a call was answered otherwise, or not in time."""
    outcome = "expired" if call.state == "open" else call.state
    if outcome in ("ok", "error"):
        with suppress(InvalidRequestError):
            _, answer = said.to(call)
            if (answer.state, answer.text) == (call.state, call.result):
                return
    raise AlreadyDecidedError(outcome)
