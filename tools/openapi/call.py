"""A call of an operation: arguments to a request, and the answer to what the model gets of it."""

from collections.abc import Mapping
from typing import Any

from agent.toolkit import has_side_effects
from tools.backends.backend import BackendSession
from tools.openapi.arguments import checked
from tools.openapi.operation import Operation
from tools.openapi.request import request_of
from tools.openapi.results import shown


async def call_operation(
    operation: Operation, session: BackendSession, arguments: Mapping[str, Any], *, most_bytes: int
) -> object:
    """Return the result of an operation: data, or text of at most about `most_bytes`.

    Whether it is a change follows the risk that the assistant gives the tool, else the operation's own, never the method.

    Raises:
        ToolError: an argument is wrong, or the backend refused or failed; the text uses the names that the model knows.
    """
    given = _with_size(operation, checked(operation, arguments))
    out = request_of(operation, given)
    fields = session.context.fields
    return await session.request(
        out.method,
        out.path,
        query=out.query,
        headers=out.headers,
        content=out.content,
        media_type=out.media_type,
        is_change=has_side_effects(session.context.risk or operation.risk),
        names=argument_names(operation),
        read=lambda answer: shown(answer, operation, given, most_bytes=most_bytes, fields=fields),
    )


def argument_names(operation: Operation) -> dict[str, str]:
    """Return the model's names by the backend's: by `name`, and by `place.name` where several places have one."""
    names: dict[str, str] = {}
    for parameter in operation.parameters:
        names[f"{parameter.place}.{parameter.name}"] = parameter.argument
        names.setdefault(parameter.name, parameter.argument)
    for item in operation.body.properties if operation.body is not None else ():
        names[f"body.{item.name}"] = item.argument
        names.setdefault(item.name, item.argument)
    return names


def _with_size(operation: Operation, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments with a size of the page where the model gave none."""
    known = operation.pagination
    if known is None or known.size is None or known.default_size is None or known.size in arguments:
        return arguments
    return {**arguments, known.size: known.default_size}
