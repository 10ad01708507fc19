"""The files that a caller may send, and what they are told of one."""

from typing import NamedTuple

from agent.assistant.definition import Assistant
from agent.assistant.files import EVERY_KIND, FileKind
from agent.files.kinds import PICTURES
from agent.files.telling import room_for_text
from agent.models.catalog import Catalog
from agent.principal import PUBLIC_TENANT, Principal
from agent.store.attachments import File
from api.dependencies import Services


class FilesOffer(NamedTuple):
    """The kinds of files that a caller's assistants take, and how much of one a model gets at least: characters of text, bytes of a picture."""

    kinds: tuple[FileKind, ...]
    characters: int
    picture_bytes: int


def offer_of(services: Services, principal: Principal) -> FilesOffer | None:
    """Return what the caller may send; None where no assistant of theirs takes files."""
    if principal.tenant_id == PUBLIC_TENANT:
        return None
    taking = [one.definition for one in services.assistants.usable_by(principal) if one.definition.files is not None]
    if not taking:
        return None
    files = [one.files for one in taking if one.files is not None]
    taken = {kind for one in files for kind in one.types}
    kinds = tuple(kind for kind in EVERY_KIND if kind in taken)
    characters = min(_characters(services.catalog, one) for one in taking)
    return FilesOffer(kinds, characters, min(one.picture_bytes for one in files))


def note_of(file: File, offer: FilesOffer) -> str | None:
    """Return what of a file nobody reads, in words for its user; None where all is read."""
    about, characters = file.about, int(file.about.get("characters", 0))
    if file.media_type in PICTURES and file.bytes > offer.picture_bytes:
        return "It is too large to be shown to a model."
    if about.get("has_text") is False or ("characters" in about and not characters):
        return "There is no text in it: it may be scanned."
    if read := about.get("pages_read"):
        return f"Only the first {read} of {about.get('pages')} pages are read."
    if broken := about.get("pages_broken"):
        return f"{broken} of its {about.get('pages')} pages are broken and not read."
    if broken := about.get("sheets_broken"):
        return f"{broken} of its {about.get('sheets')} sheets are broken and not read."
    if about.get("is_cut"):
        return f"Only the first {min(characters, offer.characters)} characters of its text are read."
    if characters > offer.characters:
        return f"Only the first {offer.characters} of the {characters} characters of its text are read."
    if about.get("parts_unread"):
        return "Other documents that it has within it are not read."
    return None


def _characters(catalog: Catalog, assistant: Assistant) -> int:
    assert assistant.files is not None
    return room_for_text(assistant.files, catalog.find(assistant, catalog.resolve(assistant, None)))
