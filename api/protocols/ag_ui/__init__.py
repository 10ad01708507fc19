"""AG-UI 1.0 and the form before it, as `@ag-ui/client` reads them. Source: `@ag-ui/client` 1.0.0 and 0.0.59.

A run's answer is one assistant message, under the id that it is stored with. A client that comes back gets the messages
before the run as a snapshot, and then the run again from its start.
"""

from collections.abc import Mapping

from api.problems import Problem
from api.protocols.ag_ui.encoder import AgUiEncoder
from api.protocols.contract import WireProtocol

PROTOCOL: WireProtocol = WireProtocol("ag-ui", AgUiEncoder, replay="whole", can_ask=True)


def error_body(problem: Problem) -> Mapping[str, object]:
    """Return an error before the stream as the event that it would be in it; `error` is its title, for CopilotKit."""
    body: dict[str, object] = {
        "type": "RUN_ERROR",
        "code": problem.code,
        "message": problem.detail,
        "error": problem.title,
    }
    if problem.run_id is not None:
        body["metadata"] = {"runId": str(problem.run_id)}
    return body
