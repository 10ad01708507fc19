"""Files that tools give: kept before anybody is told of them, and told to people; the model reads their names."""

from collections.abc import Sequence
from dataclasses import asdict

import structlog

from agent import toolkit
from agent.assistant.files import FileKind
from agent.attempt.attempt import Attempt
from agent.attempt.results import ToolResult
from agent.attempt.snapshot import given
from agent.budget import QuotaExceededError
from agent.errors import OverloadedError
from agent.file_errors import UnreadableFileError, UnsupportedFileError
from agent.files.room import Files
from agent.store.messages import FileRef

logger = structlog.get_logger()

MOST_FILES = 10
"""Of one call; more are not given."""


async def keep_given(attempt: Attempt, result: object) -> tuple[object, tuple[FileRef, ...]]:
    """Keep the files of a result; return what the model reads, and the files. An assistant without `files` gives none.

    A file that cannot be kept is no failure of the call: the model is told why.

    Raises:
        DatabaseError: it does not answer.
        NotFoundError: the run is over.
    """
    if not isinstance(result, toolkit.ToolResult):
        return result, ()
    if not result.files or attempt.assistant.files is None or attempt.files is None:
        return result.value, ()
    kept: list[FileRef] = []
    told: list[dict[str, object]] = []
    for number, file in enumerate(result.files):
        try:
            ref = await _keep(attempt, attempt.files, file, number, kinds=attempt.assistant.files.types)
        except (UnsupportedFileError, UnreadableFileError, QuotaExceededError, OverloadedError) as exc:
            logger.warning("file_not_given", reason=str(exc))
            told.append({"name": file.name[:200], "not_given": str(exc)})
        else:
            kept.append(ref)
            told.append({"given_to_the_user": ref.name, **{k: v for k, v in asdict(ref).items() if k != "id"}})
    return {"result": result.value, "files": told}, tuple(kept)


def tell_given(attempt: Attempt, settled: ToolResult) -> None:
    """Tell people of the files of a result."""
    attempt.given += settled.files
    for file in settled.files:
        attempt.writer.emit(given(file, settled.call.id))


async def _keep(
    attempt: Attempt, files: Files, file: toolkit.File, number: int, *, kinds: Sequence[FileKind]
) -> FileRef:
    if number >= MOST_FILES:
        raise UnsupportedFileError(f"At most {MOST_FILES} files are given by one call.")
    if len(file.data) > files.limits.file_bytes:
        raise UnsupportedFileError(f"It is larger than {files.limits.file_bytes} bytes.")
    owner = attempt.principal.current
    kept = await files.give(owner, attempt.run.id, file.name, file.data, kinds=kinds)
    return kept.ref
