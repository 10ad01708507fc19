"""Rows of files, without their bytes."""

from uuid import UUID

from support.rows import in_one

from agent.principal import Principal
from agent.store import attachments
from agent.store.attachments import File, NewFile
from agent.store.database import Store


async def keep_file(store: Store, who: Principal, name: str = "a.txt", *, conversation_id: UUID | None = None) -> File:
    """Note a file as one that is stored; a conversation has it, where one is named."""
    new = NewFile(name, "text/plain", 5, f"{name} hash"[:64], 5, {"note": name})
    kept = await in_one(store, attachments.add_file, who, new, conversation_id=conversation_id)
    await in_one(store, attachments.mark_stored, who, kept.id)
    return kept
