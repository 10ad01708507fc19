"""Files as a model is told of them: their text, the pictures that it sees, or only that they are there.

The invariant: whatever stands in a file is data in a fence, and a message with files is one that anybody may have written.
"""

import base64
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from langchain_core.messages import BaseMessage, HumanMessage

from agent.assistant.definition import Assistant, History
from agent.assistant.files import Files as FilesDefinition
from agent.assistant.models import ModelDefinition
from agent.files.kinds import PICTURES
from agent.files.room import Files
from agent.files.storage import StorageError
from agent.models.catalog import HISTORY_SHARE
from agent.principal import Principal
from agent.prompt.history import CHARACTERS_PER_TOKEN, FILES, TOKENS_PER_PICTURE, UNTRUSTED
from agent.prompt.words import ToldFile, with_files
from agent.store.attachments import File
from agent.store.messages import TranscriptMessage
from agent.store.said import FileRef

logger = structlog.get_logger()

USUAL_CONTEXT = 32_000
"""Tokens of a model of which nobody says how many it takes."""
UNSEEN = "a picture that this model cannot see; say so where it matters"
NOT_SHOWN = "a picture that is not shown: newer ones, or larger ones, have taken its place; say so where it matters"
TOO_LARGE = "a picture that is too large to be shown to a model here; say so where it matters"
NONE_SHOWN = "a picture, and none is shown here; say so where it matters"
AWAY = "it cannot be read right now; say so"
GONE = "it is not kept any more; say so where it matters"
SCANNED = "there is no text in it: it may be scanned; say so where it matters"
NO_ROOM = "its text is not shown: there is no room for it beside the others; say so where it matters"


def room_for_text(definition: FilesDefinition, model: ModelDefinition) -> int:
    """Return how many characters of the text of files a model gets, of all of them together."""
    return int((model.context or USUAL_CONTEXT) * definition.text_share) * CHARACTERS_PER_TOKEN


def beside_files(
    window: History, assistant: Assistant, model: ModelDefinition, rows: Sequence[TranscriptMessage]
) -> History:
    """Return how much of a conversation a model gets beside its files, where there are any: both have to fit into its context."""
    refs = [ref for row in rows if row.role == "user" for ref in row.files]
    if assistant.files is None or model.context is None or not refs:
        return window
    shown = sum(ref.media_type in PICTURES for ref in refs) if model.abilities.vision else 0
    pictures = min(shown, assistant.files.pictures) * TOKENS_PER_PICTURE
    left = max(int(model.context * (HISTORY_SHARE - assistant.files.text_share)) - pictures, 1)
    return window.model_copy(update={"tokens": min(window.tokens, left)})


class _Share:
    """The rest of a model's room, for texts in characters and for pictures in numbers and bytes."""

    def __init__(self, definition: FilesDefinition | None, model: ModelDefinition) -> None:
        self.characters = room_for_text(definition, model) if definition is not None else 0
        self.pictures = definition.pictures if definition is not None and model.abilities.vision else 0
        self.picture_bytes = definition.picture_bytes if definition is not None else 0
        self.unshown = _why_none(definition, model)
        self.most_picture_bytes = self.picture_bytes


def _why_none(definition: FilesDefinition | None, model: ModelDefinition) -> str:
    """Return why a model is shown no picture at all; where it is shown some, why not one more."""
    if not model.abilities.vision:
        return UNSEEN
    return NOT_SHOWN if definition is not None and definition.pictures else NONE_SHOWN


class _Told(NamedTuple):
    file: ToldFile
    picture: dict[str, Any] | None = None


async def tell_files(
    files: Files,
    owner: Principal,
    definition: FilesDefinition | None,
    model: ModelDefinition,
    said: Sequence[BaseMessage],
) -> list[BaseMessage]:
    """Return messages with what the model gets of the files that came with them, the newest first where there is not room for all."""
    named = [UUID(ref.id) for message in said for ref in _refs(message)]
    if not named:
        return list(said)
    found = {file.id: file for file in await files.read(owner, named)}
    share = _Share(definition, model)
    told = [await _with_files(files, message, found, share) for message in reversed(said)]
    return told[::-1]


def _refs(message: BaseMessage) -> Sequence[FileRef]:
    refs: Sequence[FileRef] = message.additional_kwargs.get(FILES) or ()
    return refs if isinstance(message, HumanMessage) else ()


async def _with_files(files: Files, message: BaseMessage, found: dict[UUID, File], share: _Share) -> BaseMessage:
    refs = _refs(message)
    if not refs:
        return message
    told = [await _tell(files, ref, found.get(UUID(ref.id)), share) for ref in refs]
    words = with_files(message.text, [one.file for one in told])
    pictures = [one.picture for one in told if one.picture is not None]
    beside = {UNTRUSTED: True}
    if not pictures:
        return HumanMessage(words, additional_kwargs=beside)
    return HumanMessage([{"type": "text", "text": words}, *pictures], additional_kwargs=beside)


async def _tell(files: Files, ref: FileRef, file: File | None, share: _Share) -> _Told:
    facts: dict[str, Any] = {"name": ref.name, "type": ref.media_type}
    if file is None:
        return _Told(ToldFile({**facts, "note": GONE}))
    facts |= {name: value for name, value in file.about.items() if name not in ("characters", "has_text", "is_cut")}
    try:
        if ref.media_type in PICTURES:
            return await _tell_picture(files, file, facts, share)
        return await _tell_text(files, file, facts, share)
    except StorageError as exc:
        logger.error("file_not_told", error=str(exc))
        return _Told(ToldFile({**facts, "note": AWAY}))


async def _tell_picture(files: Files, file: File, facts: dict[str, Any], share: _Share) -> _Told:
    if not share.pictures or file.bytes > share.picture_bytes:
        is_too_large = share.unshown == NOT_SHOWN and file.bytes > share.most_picture_bytes
        return _Told(ToldFile({**facts, "note": TOO_LARGE if is_too_large else share.unshown}))
    share.pictures, share.picture_bytes = share.pictures - 1, share.picture_bytes - file.bytes
    data = base64.b64encode(await files.picture(file)).decode()
    url = {"url": f"data:{file.media_type};base64,{data}"}
    return _Told(ToldFile({**facts, "note": "the picture is shown"}), {"type": "image_url", "image_url": url})


async def _tell_text(files: Files, file: File, facts: dict[str, Any], share: _Share) -> _Told:
    whole = int(file.about.get("characters", 0))
    if file.about.get("has_text") is False or not whole:
        return _Told(ToldFile({**facts, "note": SCANNED}))
    if share.characters <= 0:
        return _Told(ToldFile({**facts, "note": NO_ROOM}))
    text = await files.text(file, characters=share.characters)
    share.characters -= len(text)
    if len(text) < whole:
        facts["note"] = f"cut: only the first {len(text)} of {whole} characters are shown; say so where it matters"
    elif file.about.get("is_cut"):
        facts["note"] = "cut: the file is longer than what was read of it; say so where it matters"
    return _Told(ToldFile(facts, text))
