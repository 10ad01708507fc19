"""The memories of a user, and of their tenant where their role lets them see these: list, export, change, delete."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field, StringConstraints

from agent.assistant.memory import Memory as MemoryDefinition
from agent.context.memories import as_fact
from agent.errors import ForbiddenError, InvalidRequestError, NotFoundError
from agent.principal import Principal
from agent.store.audit import Deed, DeedKind, record
from agent.store.memories import (
    TENANT,
    Memory,
    change_memory,
    delete_memories,
    delete_own_memories,
    get_memory,
    list_memories,
)
from agent.store.transaction import Transaction
from api.cursors import memory_place, pack
from api.dependencies import InstallationDep, PrincipalDep, Services
from api.errors import PROBLEMS
from api.requests import NO_NUL
from api.views import Deleted

router = APIRouter(tags=["memories"], responses=PROBLEMS)

EXPORT_PAGE = 100
EXPORT: dict[int | str, dict[str, Any]] = {
    200: {"description": "`{memories}`, each as the list gives it.", "content": {"application/json": {}}}
}
MOST_CHARACTERS = 2000
"""Of any fact, whatever the definitions say."""


class MemoryView(BaseModel):
    """A fact that is remembered."""

    id: UUID
    text: str
    scope: Literal["user", "tenant"] = Field(description="tenant: of the whole organisation")
    can_edit: bool = Field(description="whether the caller may change and delete it")
    created_at: datetime
    updated_at: datetime


class MemoryPage(BaseModel):
    """The newest first. `next_cursor` is null on the last page."""

    items: list[MemoryView]
    next_cursor: str | None


class ChangedMemory(BaseModel):
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MOST_CHARACTERS), NO_NUL] = (
        Field(description="one line, as long as the definition lets a fact be")
    )


@router.get("/memories")
async def list_own_memories(
    principal: PrincipalDep,
    services: InstallationDep,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    cursor: Annotated[str | None, Query(max_length=500, description="`next_cursor` of the page before")] = None,
) -> MemoryPage:
    """List what is remembered of the user, and of their tenant where they may see it; nothing where memory is off."""
    after = memory_place(cursor)
    definitions = services.assistants.memories_of(principal)
    found = await _page(services, principal, definitions, limit=limit + 1, after=after) if definitions else []
    more = len(found) > limit
    return MemoryPage(
        items=[_view(one, principal, definitions) for one in found[:limit]],
        next_cursor=pack([str(found[limit - 1].id)]) if more else None,
    )


@router.get("/memories/export", response_class=Response, responses=EXPORT)
async def export_memories(principal: PrincipalDep, services: InstallationDep) -> Response:
    """Return all that the list gives as a file of JSON."""
    definitions = services.assistants.memories_of(principal)
    async with services.store.write(principal.tenant_id) as connection:
        await record(connection, principal, [_deed("memory.exported", principal)])
    headers = {"Content-Disposition": 'attachment; filename="memories.json"'}
    body = _exported(services, principal, definitions)
    return StreamingResponse(body, media_type="application/json", headers=headers)


@router.patch("/memories/{memory_id}")
async def change(
    memory_id: UUID, body: ChangedMemory, principal: PrincipalDep, services: InstallationDep
) -> MemoryView:
    """Give a fact another text."""
    definitions = services.assistants.memories_of(principal)
    fact = as_fact(body.text)
    most = max((one.fact_characters for one in definitions), default=MOST_CHARACTERS)
    if not fact or len(fact) > most:
        raise InvalidRequestError(f"text: must say something, in at most {most} characters")
    async with services.store.write(principal.tenant_id) as connection:
        memory = await _get_own(connection, principal, definitions, memory_id)
        changed = await change_memory(connection, principal, memory, fact)
        await record(connection, principal, [_deed("memory.changed", principal, str(memory_id))])
    _tell(services, principal, memory.user_id)
    return _view(changed, principal, definitions)


@router.delete("/memories/{memory_id}")
async def delete(memory_id: UUID, principal: PrincipalDep, services: InstallationDep) -> Deleted:
    """Forget a fact."""
    definitions = services.assistants.memories_of(principal)
    async with services.store.write(principal.tenant_id) as connection:
        memory = await _get_own(connection, principal, definitions, memory_id)
        await delete_memories(connection, principal, [memory])
        await record(connection, principal, [_deed("memory.deleted", principal, str(memory_id))])
    _tell(services, principal, memory.user_id)
    return Deleted(success=True, message="It is forgotten.")


@router.delete("/memories")
async def delete_all(principal: PrincipalDep, services: InstallationDep) -> Deleted:
    """Forget all that is remembered of the user, also where memory is off by now; facts of the tenant stay."""
    async with services.store.write(principal.tenant_id) as connection:
        count = await delete_own_memories(connection, principal)
        await record(connection, principal, [_deed("memory.deleted", principal, f"all: {count}")])
    _tell(services, principal, principal.user_id)
    return Deleted(success=True, message="All that was remembered of you is forgotten.")


def _sees_tenant(principal: Principal, definitions: list[MemoryDefinition]) -> bool:
    return any(one.reads_tenant(principal.role) for one in definitions)


def _may_edit(memory: Memory, principal: Principal, definitions: list[MemoryDefinition]) -> bool:
    return memory.user_id != TENANT or any(one.writes_tenant(principal.role) for one in definitions)


async def _get_own(
    connection: Transaction, principal: Principal, definitions: list[MemoryDefinition], memory_id: UUID
) -> Memory:
    """Return a fact that the caller may change.

    Raises:
        NotFoundError: they have none of this id, or memory is off.
        ForbiddenError: it is the tenant's, and they may only read it.
    """
    if not definitions:
        raise NotFoundError("No such memory.")
    sees = _sees_tenant(principal, definitions)
    memory = await get_memory(connection, principal, memory_id, with_tenant=sees)
    if not _may_edit(memory, principal, definitions):
        raise ForbiddenError("Your role may not change what is remembered of the tenant.")
    return memory


async def _page(
    services: Services, principal: Principal, definitions: list[MemoryDefinition], *, limit: int, after: UUID | None
) -> list[Memory]:
    sees = _sees_tenant(principal, definitions)
    async with services.store.read(principal.tenant_id) as connection:
        return await list_memories(connection, principal, with_tenant=sees, limit=limit, after=after)


async def _exported(
    services: Services, principal: Principal, definitions: list[MemoryDefinition]
) -> AsyncIterator[bytes]:
    """Yield the file page by page: no connection is held while a client is slow to take one."""
    yield b'{"memories":['
    after: UUID | None = None
    while definitions:
        page = await _page(services, principal, definitions, limit=EXPORT_PAGE, after=after)
        separator = b"," if after is not None and page else b""
        yield separator + b",".join(_view(one, principal, definitions).model_dump_json().encode() for one in page)
        if len(page) < EXPORT_PAGE:
            break
        after = page[-1].id
    yield b"]}"


def _tell(services: Services, principal: Principal, owner: str) -> None:
    """Let the memory of this process know that facts of an owner changed, and upkeep that something was removed."""
    services.memories.changed(principal.tenant_id, owner)
    services.memories.forgotten()


def _deed(kind: DeedKind, principal: Principal, outcome: str | None = None) -> Deed:
    return Deed(kind, principal.user_id, principal.user_id, outcome=outcome)


def _view(memory: Memory, principal: Principal, definitions: list[MemoryDefinition]) -> MemoryView:
    return MemoryView(
        id=memory.id,
        text=memory.text,
        scope="tenant" if memory.user_id == TENANT else "user",
        can_edit=_may_edit(memory, principal, definitions),
        created_at=memory.created_at,
        updated_at=memory.updated_at,
    )
