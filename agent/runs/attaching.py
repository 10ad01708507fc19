"""The files of a message: taken with it, in its transaction, from those that its user has sent before.

The invariant: a message has its user's own files only, of kinds that its assistant takes, and no two conversations have one.
"""

from agent.assistant.definition import Assistant
from agent.errors import InvalidRequestError
from agent.files.kinds import BY_TYPE
from agent.principal import Principal
from agent.runs.request import RunRequest
from agent.runtime import Runtime
from agent.store.attachments import take_files
from agent.store.messages import FileRef, NewMessage, run_messages
from agent.store.runs import Run
from agent.store.shared_approvals import end_standing
from agent.store.transaction import Transaction


def check_files(runtime: Runtime, request: RunRequest, assistant: Assistant) -> None:
    """Refuse files that nobody takes, before anything is written.

    Raises:
        InvalidRequestError: the assistant takes none, or not so many, or there is no new message to have them.
    """
    if not request.files:
        return
    if assistant.files is None or runtime.files is None:
        raise InvalidRequestError("files: this assistant takes none")
    if request.message is None:
        raise InvalidRequestError("files: only a new message can have files")
    if len(request.files) > (most := runtime.files.limits.per_message):
        raise InvalidRequestError(f"files: at most {most} for a message")


async def message_of(
    connection: Transaction,
    principal: Principal,
    run: Run,
    request: RunRequest,
    replaced: Run | None,
    assistant: Assistant,
) -> NewMessage | None:
    """Return the message of a run's own, with its files; None where it answers one that is there.

    Raises:
        NotFoundError, InvalidRequestError: as `_attach`.
    """
    if request.message is None:
        return None
    files = await _attach(connection, principal, run, request, replaced, assistant)
    return NewMessage("user", request.message, step=0, files=files)


async def _attach(
    connection: Transaction,
    principal: Principal,
    run: Run,
    request: RunRequest,
    replaced: Run | None,
    assistant: Assistant,
) -> tuple[FileRef, ...]:
    """Let a run's new message have its files, and return these; without any named, those of the message that it replaces.

    Whatever a file says was said by anybody: yeses that stand for all later calls end here.

    Raises:
        NotFoundError: the principal has no such file, or another conversation has it.
        InvalidRequestError: the assistant does not take its kind.
    """
    if assistant.files is None:
        return ()
    if request.files is None:
        before = await run_messages(connection, principal, replaced) if replaced is not None else []
        return before[0].files if before else ()
    if not request.files:
        return ()
    taken = await take_files(connection, principal, request.files, run.conversation_id)
    for file in taken:
        if BY_TYPE[file.media_type].kind not in assistant.files.types:
            raise InvalidRequestError(f"files: this assistant does not take {file.media_type}")
    await end_standing(connection, principal, run.conversation_id)
    return tuple(file.ref for file in taken)
