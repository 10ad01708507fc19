"""Conversations: owned by one user of one tenant, listed newest first."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from agent.errors import FrontdeskError, NotFoundError
from agent.graphemes import cut, shown
from agent.principal import Principal
from agent.store.columns import OF_TENANT, OF_USER, ROW_ID
from agent.store.database import new_id
from agent.store.statements import Hot
from agent.store.tables import conversations
from agent.store.transaction import Transaction

TITLE_LENGTH = 200
TITLE_WORDS = 8
TITLE_CHARACTERS = 60

OWNED = and_(
    conversations.c.tenant_id == OF_TENANT, conversations.c.user_id == OF_USER, conversations.c.deleted_at.is_(None)
)
"""Whether a conversation is the principal's, and was not deleted."""
_INSERT = Hot(
    conversations.insert(),
    *("tenant_id", "id", "user_id", "title", "last_position", "last_turn", "created_at", "updated_at", "client_key"),
)
_SELECT: Select[Any] = select(
    conversations.c.id, conversations.c.title, conversations.c.created_at, conversations.c.updated_at
).where(OWNED)
_GET = Hot(_SELECT.where(conversations.c.id == ROW_ID))
_GET_VERSION = Hot(
    _SELECT.where(conversations.c.id == ROW_ID).add_columns(
        conversations.c.last_turn, conversations.c.last_position, conversations.c.answer_changes
    )
)
_LOCK = Hot(
    select(conversations.c.id)
    .where(conversations.c.tenant_id == OF_TENANT, conversations.c.id == ROW_ID, conversations.c.deleted_at.is_(None))
    .with_for_update()
)
_RENAME = Hot(update(conversations).where(OWNED, conversations.c.id == ROW_ID).values(is_title_indexed=False), "title")


class NameTakenError(FrontdeskError):
    """Another conversation of the user's has this client key already. Look it up in a new transaction."""


@dataclass(frozen=True, slots=True)
class Version:
    """How far a conversation has come: its newest turn, its last message, and how often a turn got another answer.

    Later versions are not smaller in any of these.
    """

    turn: int
    position: int
    answers: int = 0


@dataclass(frozen=True, slots=True)
class Conversation:
    id: UUID
    title: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ConversationCursor:
    """The place of a conversation in the list: what comes after it is older."""

    updated_at: datetime
    id: UUID


def title_from(text: str) -> str:
    """Return the first words of a message as a title: no character is torn in two, and none turns what stands around it."""
    words = shown(text).split()
    title = cut(" ".join(words[:TITLE_WORDS]), TITLE_CHARACTERS).rstrip()
    return title if len(title) == len(" ".join(words)) else f"{title}…"


def of(principal: Principal, row_id: UUID | None = None) -> dict[str, object]:
    """Return what fills in whose row a statement means, and which."""
    return {"of_tenant": principal.tenant_id, "of_user": principal.user_id, "of_id": row_id}


async def create_conversation(
    connection: Transaction, principal: Principal, *, title: str, client_key: str | None = None
) -> UUID:
    """Add an empty conversation, by the name that its client gives it, and return its id. The caller commits.

    Raises:
        NameTakenError: the user has one of this name; the transaction is lost.
    """
    now = datetime.now(UTC)
    conversation_id = new_id()
    row = {
        "tenant_id": principal.tenant_id,
        "id": conversation_id,
        "user_id": principal.user_id,
        "title": title,
        "last_position": 0,
        "last_turn": 0,
        "created_at": now,
        "updated_at": now,
        "client_key": client_key,
    }
    try:
        await connection.change(_INSERT, row)
    except IntegrityError as exc:
        if client_key is None:
            raise
        raise NameTakenError("a request for the same conversation won the race") from exc
    return conversation_id


async def get_conversation(connection: Transaction, principal: Principal, conversation_id: UUID) -> Conversation:
    """Return the principal's conversation.

    Raises:
        NotFoundError: the principal has no such conversation.
    """
    row = await connection.row(_GET, of(principal, conversation_id))
    if row is None:
        raise NotFoundError("No such conversation.")
    return _conversation(row)


async def get_owner(connection: Transaction, tenant_id: str, conversation_id: UUID) -> str:
    """Return whose a conversation of a tenant is.

    Raises:
        NotFoundError: the tenant has no such conversation.
    """
    c = conversations.c
    own = select(c.user_id).where(c.tenant_id == tenant_id, c.id == conversation_id, c.deleted_at.is_(None))
    owner: str | None = (await connection.execute(own)).scalar_one_or_none()
    if owner is None:
        raise NotFoundError("No such conversation.")
    return owner


async def get_version(
    connection: Transaction, principal: Principal, conversation_id: UUID
) -> tuple[Conversation, Version]:
    """Return the principal's conversation, and how far it has come.

    Raises:
        NotFoundError: the principal has no such conversation.
    """
    row = await connection.row(_GET_VERSION, of(principal, conversation_id))
    if row is None:
        raise NotFoundError("No such conversation.")
    return _conversation(row), Version(row.last_turn, row.last_position, row.answer_changes)


async def list_conversations(
    connection: Transaction,
    principal: Principal,
    *,
    limit: int,
    after: ConversationCursor | None,
) -> list[Conversation]:
    """Return up to `limit` conversations, newest first. Read by index: the cost is that of `limit`."""
    statement = _SELECT
    if after is not None:
        place = tuple_(conversations.c.updated_at, conversations.c.id)
        statement = statement.where(place < (after.updated_at, after.id))
    statement = statement.order_by(conversations.c.updated_at.desc(), conversations.c.id.desc()).limit(limit)
    return [_conversation(row) for row in await connection.execute(statement, of(principal))]


async def rename_conversation(
    connection: Transaction, principal: Principal, conversation_id: UUID, *, title: str
) -> Conversation:
    """Change the title, as far as it is one line, not too long, and steers nothing that shows it. The caller commits.

    Raises:
        NotFoundError: the principal has no such conversation.
    """
    line = cut(shown(title).replace("\n", " "), TITLE_LENGTH)
    await connection.change(_RENAME, {**of(principal, conversation_id), "title": line})
    return await get_conversation(connection, principal, conversation_id)


async def lock_conversation(connection: Transaction, tenant_id: str, conversation_id: UUID) -> None:
    """Make other writers of this conversation wait until the caller commits. Taken before any lock on its runs.

    Raises:
        NotFoundError: there is no such conversation any more.
    """
    if await connection.row(_LOCK, {"of_tenant": tenant_id, "of_id": conversation_id}) is None:
        raise NotFoundError("No such conversation.")


def _conversation(row: Any) -> Conversation:
    return Conversation(row.id, row.title, row.created_at, row.updated_at)
