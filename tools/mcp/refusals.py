"""Errors that the model is told of a call that a server did not answer, or not with a result."""

from mcp import MCPError
from mcp_types import CONNECTION_CLOSED, INVALID_PARAMS, METHOD_NOT_FOUND, PARSE_ERROR

from agent.errors import CredentialRefusedError, ToolError
from agent.toolkit import Risk, has_side_effects
from tools.backends.answers import NOT_MADE, UNKNOWN
from tools.mcp.link import LostError
from tools.mcp.program import TOO_LARGE
from tools.mcp.wire import Trouble

REFUSAL_CHARACTERS = 300
NOT_THERE = "The server of this tool cannot be reached right now."
_TEXTS = {
    Trouble.BROKE_OFF: "The server of this tool cannot be reached right now: its answer broke off.",
    Trouble.SESSION_LOST: "The server of this tool cannot be reached right now: it has begun anew.",
    Trouble.SESSION_BAD: "The server of this tool cannot be used: it gives its session an id that cannot be sent.",
    Trouble.TOO_LARGE: "The answer is larger than may be read. Ask for less: filter or page.",
    Trouble.REDIRECTED: "The server of this tool answered with a redirect, and redirects are not followed.",
    Trouble.UNREADABLE: "The server of this tool answered with something that cannot be read.",
    Trouble.UNAUTHORIZED: "The server of this tool did not accept the sign-in.",
}
_NOT_RUN = (Trouble.NOT_SENT, Trouble.REDIRECTED, Trouble.UNAUTHORIZED, Trouble.SESSION_LOST, Trouble.SESSION_BAD)


def lost(error: LostError, *, risk: Risk, is_users_token: bool) -> ToolError:
    """Return what is told where there is no server, or none any more."""
    if error.trouble is Trouble.UNAUTHORIZED and is_users_token:
        return CredentialRefusedError("The server of this tool did not accept the user's sign-in.")
    text = NOT_THERE if error.trouble is None else _TEXTS.get(error.trouble, NOT_THERE)
    if not has_side_effects(risk):
        return ToolError(text)
    may_have_run = error.may_have_run and error.trouble not in _NOT_RUN
    return ToolError(f"{text} {UNKNOWN if may_have_run else NOT_MADE}")


def refused(error: MCPError, *, risk: Risk) -> ToolError:
    """Return what is told where the server answered with an error of the protocol. Its text is the server's own."""
    doubt = f" {UNKNOWN}" if has_side_effects(risk) else ""
    if error.message == TOO_LARGE:
        return ToolError(f"{_TEXTS[Trouble.TOO_LARGE]}{doubt}")
    if error.code == CONNECTION_CLOSED:
        return ToolError(f"{_TEXTS[Trouble.BROKE_OFF]}{doubt}")
    if error.code == PARSE_ERROR:
        return unreadable(risk)
    said = f"The server of this tool refused the call: {error.message[:REFUSAL_CHARACTERS]}"
    return ToolError(said if error.code in (INVALID_PARAMS, METHOD_NOT_FOUND) else f"{said}.{doubt}")


def unreadable(risk: Risk) -> ToolError:
    """Return what is told where an answer is not what the protocol says it is."""
    return ToolError(f"{_TEXTS[Trouble.UNREADABLE]}{f' {UNKNOWN}' if has_side_effects(risk) else ''}")
