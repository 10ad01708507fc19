"""What an operator can watch. No label names a tenant, a user or anything from a message."""

from prometheus_client import Counter, Gauge, Histogram

runs_ended = Counter("frontdesk_runs_ended", "Runs that ended", ["status", "code"])
runs_active = Gauge("frontdesk_runs_active", "Runs that this process works on, queued ones among them")
first_token_s = Histogram(
    "frontdesk_first_token_seconds",
    "Time from the stored message to the first piece of the answer",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
suggestions = Counter(
    "frontdesk_suggestions", "Requests for follow-up questions on demand that a model was asked for", ["code"]
)
tool_calls = Counter("frontdesk_tool_calls", "Tool calls that settled", ["tool", "outcome"])
backend_changes = Counter(
    "frontdesk_backend_changes", "A backend went down for a tenant, was looked at, or came back", ["backend", "state"]
)
