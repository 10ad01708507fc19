"""Wire formats: how clients read a run's log. `PROTOCOLS` is all of them, by name; adding one is one line here.

`ERROR_FORMS` has those whose clients read errors in a form of their own, by what their routes begin with.
"""

from api.protocols import ag_ui, ai_sdk, delta, events, native, openai, plain, raw, text, typed
from api.protocols.contract import ErrorForm, WireProtocol
from api.protocols.openai.errors import refusal as openai_refusal

FORMATS: dict[str, WireProtocol] = {
    one.name: one
    for one in (
        native.PROTOCOL,
        events.PROTOCOL,
        typed.PROTOCOL,
        delta.PROTOCOL,
        text.PROTOCOL,
        plain.PROTOCOL,
        raw.PROTOCOL,
    )
}
"""Protocols that a request names by `?format=`; the others have paths of their own."""
PROTOCOLS: dict[str, WireProtocol] = {
    **FORMATS,
    **{one.name: one for one in (ai_sdk.PROTOCOL, ag_ui.PROTOCOL, openai.CHAT, openai.RESPONSES)},
}
ERROR_FORMS: dict[str, ErrorForm] = {
    "/ag-ui": ag_ui.error_body,
    "/copilotkit/": ag_ui.error_body,
    "/v1/": openai_refusal,
}


def error_form(path: str) -> ErrorForm | None:
    """Return the form of an error that answers a request of this path; None for problem+json."""
    return next((form for prefix, form in ERROR_FORMS.items() if path.startswith(prefix)), None)
