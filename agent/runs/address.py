"""Where a message belongs: the conversation that its client names, and the turn whose place it takes."""

from dataclasses import replace
from uuid import UUID

from agent.errors import NotFoundError
from agent.principal import Principal
from agent.runs.request import RunRequest
from agent.store.database import Store
from agent.store.naming import (
    Place,
    as_id,
    find_by_history,
    find_conversation,
    find_message,
    find_named_turn,
    find_turn_asked,
    find_turn_behind,
    hash_next,
    hash_said,
)
from agent.store.runs import Run
from agent.store.transaction import Transaction
from agent.store.versions import find_turn, kept_assistant


async def locate(store: Store, principal: Principal, request: RunRequest) -> RunRequest:
    """Return the request with the conversation that its client's name, or all that was said before, stands for.

    Without one it stays as it is: its conversation is to be made.
    """
    if request.conversation_id is not None or (request.client_key is None and not request.said):
        return request
    async with store.read(principal.tenant_id) as connection:
        if request.client_key is not None:
            found = await find_conversation(connection, principal, request.client_key)
            if found is not None or not request.said:
                return replace(request, conversation_id=found)
        place = await find_by_history(connection, principal, hash_said(principal, request.said or ()))
    if place is None:
        return request
    return replace(request, conversation_id=place.conversation_id, behind=place.turn)


async def find_stored(
    connection: Transaction, principal: Principal, request: RunRequest, *, locks: bool = True
) -> Run | None:
    """Return the turn of the same message, of a request that is to be one with it; the conversation is locked then."""
    if not request.is_once or request.conversation_id is None or request.message_name is None:
        return None
    found = await find_message(connection, principal, request.conversation_id, request.message_name, locks=locks)
    return found if found is not None and found.request_hash == request.request_hash else None


async def find_assistant(connection: Transaction, principal: Principal, request: RunRequest) -> str | None:
    """Return the assistant of the turn that a request replaces, or else of its conversation's newest turn; None where there is none.

    It locks nothing: whether the turn may be replaced is found out later.
    """
    conversation_id, replaced = request.conversation_id, request.replaces
    if conversation_id is None:
        return None
    if isinstance(replaced, str):
        named = await find_message(connection, principal, conversation_id, replaced, locks=False)
        if named is not None:
            return named.assistant
        replaced = as_id(replaced)
    found = replaced and await kept_assistant(connection, principal, conversation_id, message_id=replaced)
    return found or await kept_assistant(connection, principal, conversation_id)


async def find_replaced(connection: Transaction, principal: Principal, request: RunRequest) -> Run | None:
    """Return the turn whose place the request's takes; None where it is the conversation's next. The conversation is locked.

    Raises:
        NotFoundError: the principal has no such conversation, or it has no such message.
        SupersededError: that message was replaced before.
    """
    conversation_id = request.conversation_id
    match request.replaces:
        case str() if conversation_id is None:
            if request.said_before is None:
                raise NotFoundError("No such message.")
        case str(name) if conversation_id is not None:
            before = request.said_before
            return await find_named_turn(connection, principal, conversation_id, name, said_before=before)
        case UUID() as message_id if conversation_id is not None:
            return await find_turn(connection, principal, conversation_id, message_id=message_id)
        case None if conversation_id is not None and request.behind is not None:
            return await find_turn_behind(connection, principal, Place(conversation_id, request.behind))
        case None if conversation_id is not None and request.asked_before is not None:
            asked = *request.asked_before, request.message or ""
            return await find_turn_asked(connection, principal, conversation_id, asked)
    return None


def hash_with(principal: Principal, request: RunRequest) -> str | None:
    """Return the hash of all that was said when this message is, for a client whose conversation is found by that."""
    if request.said is None or request.message is None or (request.client_key is not None and request.behind is None):
        return None
    return hash_next(hash_said(principal, request.said), request.message)
