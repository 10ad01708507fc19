"""Requests that are one with an earlier one, and what is refused before anything is written.

The invariant: whoever asks the same again gets the run that there is, also where a new one would be refused.
"""

from datetime import timedelta

from agent.assistant.definition import Assistant
from agent.budget import QuotaExceededError
from agent.errors import IdempotencyMismatchError
from agent.principal import Principal
from agent.runs.address import find_stored
from agent.runs.keys import KeyLooks
from agent.runs.request import RunRequest
from agent.runtime import Runtime
from agent.store.runs import Run, find_run_by_key
from agent.store.transaction import Transaction


async def find_equal(
    connection: Transaction, principal: Principal, request: RunRequest, *, keep_s: float, frees: bool = True
) -> Run | None:
    """Return the run of an equal request with the same idempotency key. `frees`: see `find_run_by_key`.

    Raises:
        IdempotencyMismatchError: the key was used for another request.
    """
    if request.idempotency_key is None:
        return None
    keep = timedelta(seconds=keep_s)
    found = await find_run_by_key(connection, principal, request.idempotency_key, keep=keep, frees=frees)
    if found is not None and found.request_hash != request.request_hash:
        raise IdempotencyMismatchError("The Idempotency-Key was used with another body.")
    return found


async def refuse_again(
    runtime: Runtime,
    looks: KeyLooks,
    principal: Principal,
    request: RunRequest,
    assistant: Assistant,
    *,
    model: str,
    keep_s: float,
) -> Run | None:
    """Refuse as `refuse_early` does, by what this process knows of those who were refused within the last second.

    It asks the database for nothing but an equal request, where there can be one; for one by its key together with others.
    """
    try:
        runtime.budgets.refuse_again(runtime.store, principal, assistant, model, request.message)
    except QuotaExceededError:
        key = request.idempotency_key
        if not request.is_once and (key is None or not await looks.is_stored(principal, key)):
            raise
        if (equal := await _find_any(runtime, principal, request, keep_s=keep_s)) is not None:
            return equal
        raise
    return None


async def refuse_early(
    runtime: Runtime, principal: Principal, request: RunRequest, assistant: Assistant, *, model: str, keep_s: float
) -> Run | None:
    """Refuse what has no room in a budget while it only reads: many such requests must not queue where others write.

    Return the run of an equal request, which is answered all the same; None where it may go on, or is decided when it writes.

    Raises:
        QuotaExceededError: a budget has no room for it, and there is no equal request.
        IdempotencyMismatchError: its key was used for another request.
    """
    if not runtime.budgets.may_count(assistant, principal.budget):
        return None
    try:
        await runtime.budgets.check(runtime.store, principal, assistant, model, request.message)
    except QuotaExceededError:
        if (equal := await _find_any(runtime, principal, request, keep_s=keep_s)) is not None:
            return equal
        raise
    return None


async def _find_any(runtime: Runtime, principal: Principal, request: RunRequest, *, keep_s: float) -> Run | None:
    """Return the run of an equal request, whatever makes it one."""
    if request.idempotency_key is None and not request.is_once:
        return None
    async with runtime.store.read(principal.tenant_id) as connection:
        found = await find_equal(connection, principal, request, keep_s=keep_s, frees=False)
        return found or await find_stored(connection, principal, request, locks=False)
