"""Conversations: list, search, read, export, rename, delete."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import AfterValidator, BaseModel, StringConstraints

from agent.graphemes import unturned
from agent.principal import Principal
from agent.store.audit import Deed, record
from agent.store.choices import count_choices
from agent.store.conversations import (
    TITLE_LENGTH,
    Conversation,
    get_conversation,
    get_version,
    list_conversations,
    rename_conversation,
)
from agent.store.database import Store
from agent.store.messages import StoredMessage, list_messages
from agent.store.summaries import list_summaries, newest_summary
from api.cursors import conversation_cursor, known_version, message_place, pack, version_word
from api.dependencies import InstallationDep, PrincipalDep
from api.errors import PROBLEMS
from api.message_views import MessageView, summary_view, with_summaries
from api.requests import NO_NUL
from api.views import Deleted
from api.waiting import while_connected

router = APIRouter(tags=["conversations"], responses=PROBLEMS)

EXPORT_PAGE = 100
EXPORT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "`{conversation, messages}`, each as the other calls give it, with all summaries, void ones too; and `choices`, how often which model's"
        " answer was chosen among lanes, where any was.",
        "content": {"application/json": {}},
    }
}

Limit = Annotated[int, Query(ge=1, le=100)]
Cursor = Annotated[str | None, Query(max_length=500, description="`next_cursor` of the page before")]
After = Annotated[
    str | None, Query(max_length=500, description="a `version`: only what was added or superseded since then")
]
Versions = Annotated[
    Literal["current", "all"], Query(description="`all`: with the superseded messages, in the order of their turns")
]
Search = Annotated[
    Annotated[str, NO_NUL] | None,
    Query(max_length=200, description="words that words of the title or of one message begin with"),
]


class ConversationView(BaseModel):
    id: UUID
    title: str
    created_at: datetime
    updated_at: datetime


class ConversationPage(BaseModel):
    """Newest first. `next_cursor` is null on the last page."""

    items: list[ConversationView]
    next_cursor: str | None


class MessagePage(BaseModel):
    """Oldest first. `next_cursor` is null on the last page.

    `summary` is what models read in place of the messages up to its `until`; null where they read
    all. `title` is the conversation's. `version` is opaque: given back as `after` it asks for what has changed since this page
    was read. Of a reading in several pages the first one's counts.
    """

    items: list[MessageView]
    next_cursor: str | None
    title: str
    version: str
    summary: MessageView | None


def _says_something(title: str) -> str:
    if not unturned(title).strip():
        raise ValueError("must say something")
    return title


class Rename(BaseModel):
    title: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=TITLE_LENGTH),
        NO_NUL,
        AfterValidator(_says_something),
    ]


@router.get("/conversations")
async def list_own_conversations(
    request: Request,
    principal: PrincipalDep,
    services: InstallationDep,
    limit: Limit = 20,
    cursor: Cursor = None,
    q: Search = None,
) -> ConversationPage:
    """List the user's conversations, newest first; `q` searches titles and messages."""
    after = conversation_cursor(cursor)
    if q:
        search = services.searches.find(principal, q, limit=limit + 1, after=after)
        found = await while_connected(request, search) or []
    else:
        async with services.store.read(principal.tenant_id) as connection:
            found = await list_conversations(connection, principal, limit=limit + 1, after=after)
    more = len(found) > limit
    last = found[limit - 1] if more else None
    return ConversationPage(
        items=[_view(one) for one in found[:limit]],
        next_cursor=pack([last.updated_at.isoformat(), str(last.id)]) if last else None,
    )


@router.get("/conversations/{conversation_id}")
async def read_conversation(
    conversation_id: UUID, principal: PrincipalDep, services: InstallationDep
) -> ConversationView:
    """Return one conversation, without its messages."""
    async with services.store.read(principal.tenant_id) as connection:
        return _view(await get_conversation(connection, principal, conversation_id))


@router.get("/conversations/{conversation_id}/messages")
async def read_messages(
    conversation_id: UUID,
    principal: PrincipalDep,
    services: InstallationDep,
    limit: Limit = 50,
    cursor: Cursor = None,
    versions: Versions = "current",
    after: After = None,
) -> MessagePage:
    """Return a conversation's messages, oldest first; those of earlier versions, too, where asked for.

    Where nothing has changed since `after`, which is the usual answer, no message is read.
    """
    place = message_place(cursor)
    since = known_version(after, "after")
    async with services.store.read(principal.tenant_id) as connection:
        conversation, version = await get_version(connection, principal, conversation_id)
        summary = await newest_summary(connection, principal, conversation_id, before_turn=version.turn + 1)
        found: list[StoredMessage] = []
        if since != version:
            found = await list_messages(
                connection,
                principal,
                conversation_id,
                limit=limit + 1,
                after=place,
                with_superseded=versions == "all",
                since=since,
            )
    more = len(found) > limit
    last = found[limit - 1] if more else None
    return MessagePage(
        items=[MessageView.model_validate(one) for one in found[:limit]],
        summary=None if summary is None else summary_view(summary),
        next_cursor=pack([last.turn, last.position]) if last else None,
        title=conversation.title,
        version=version_word(version),
    )


@router.get("/conversations/{conversation_id}/export", response_class=Response, responses=EXPORT)
async def export_conversation(conversation_id: UUID, principal: PrincipalDep, services: InstallationDep) -> Response:
    """Return a conversation with all that was said in it, earlier versions too, as a file of JSON."""
    exported = Deed("conversation.exported", principal.user_id, principal.user_id, conversation_id)
    async with services.store.write(principal.tenant_id) as connection:
        conversation = await get_conversation(connection, principal, conversation_id)
        choices = await count_choices(connection, principal, conversation_id)
        await record(connection, principal, [exported])
    return StreamingResponse(
        _exported(principal, services.store, conversation, choices),
        media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="conversation-{conversation_id}.json"'},
    )


@router.patch("/conversations/{conversation_id}")
async def rename(
    conversation_id: UUID, body: Rename, principal: PrincipalDep, services: InstallationDep
) -> ConversationView:
    """Give a conversation another title."""
    async with services.store.write(principal.tenant_id) as connection:
        renamed = await rename_conversation(connection, principal, conversation_id, title=body.title)
    services.store.titles.tell(principal, conversation_id, renamed.title)
    return _view(renamed)


@router.delete("/conversations/{conversation_id}")
@router.delete("/chat/{conversation_id}")
async def delete(conversation_id: UUID, principal: PrincipalDep, services: InstallationDep) -> Deleted:
    """Delete a conversation with all that was said in it. What runs in it is stopped."""
    await services.runner.delete_conversation(principal, conversation_id)
    return Deleted(success=True, message="The conversation was deleted.")


async def _exported(
    principal: Principal, store: Store, conversation: Conversation, choices: dict[str, int]
) -> AsyncIterator[bytes]:
    """Yield the file page by page: no connection is held while a client is slow to take one."""
    yield b'{"conversation":%b,"messages":[' % _view(conversation).model_dump_json().encode()
    after: tuple[int, int] | None = None
    while True:
        async with store.read(principal.tenant_id) as connection:
            page = await list_messages(
                connection, principal, conversation.id, limit=EXPORT_PAGE, after=after, with_superseded=True
            )
            summaries = await list_summaries(connection, principal, conversation.id, with_void=True)
        separator = b"," if after is not None and page else b""
        yield separator + b",".join(one.model_dump_json().encode() for one in with_summaries(page, summaries))
        if len(page) < EXPORT_PAGE:
            break
        after = page[-1].turn, page[-1].position
    yield b'],"choices":%b}' % orjson.dumps(choices) if choices else b"]}"


def _view(conversation: Conversation) -> ConversationView:
    return ConversationView(
        id=conversation.id,
        title=conversation.title,
        created_at=conversation.created_at,
        updated_at=conversation.updated_at,
    )
