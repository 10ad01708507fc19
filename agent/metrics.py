"""The metrics for operators: everything that is counted. What stands at a moment is read when it is asked for (`api/gauges.py`).

The invariants: no label holds anything from a message, a user or, unless `METRICS_TENANTS` says so, a tenant; and each
label has a bound, behind which everything new is `other`. Nothing here is touched for a token: only for runs, steps and calls.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call] # half of all lines, of no use to a Prometheus that sees a reset

OTHER = "other"

runs_ended = Counter("frontdesk_runs_ended", "Runs that ended", ["status", "code"])
runs_active = Gauge("frontdesk_runs_active", "Runs that are held, those that wait among them")
runs_working = Gauge("frontdesk_runs_working", "Runs that a model or a tool is asked for")
first_token_s = Histogram(
    "frontdesk_first_token_seconds",
    "Time from the stored message to the first piece of the answer, of runs that went there in one attempt",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
run_wait_s = Histogram(
    "frontdesk_run_wait_seconds",
    "Time from the stored message until the model is asked for the first time, of runs that went there in one attempt",
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
tokens = Counter(
    "frontdesk_tokens", "Tokens that providers counted, those of questions and titles among them", ["model", "kind"]
)
cost = Counter(
    "frontdesk_cost",
    "What these tokens cost, by the prices in the definitions; of models that have one",
    ["model", "currency"],
)
summaries = Counter(
    "frontdesk_summaries",
    "Summaries of long conversations: made, void (of what was replaced meanwhile), empty, busy (too many at once), gone, broke, or the code of an error",
    ["outcome"],
)
unpriced = Counter(
    "frontdesk_budget_without_price",
    "Refusals because a budget limits cost and the model has no price",
    ["model"],
)
suggestions = Counter(
    "frontdesk_suggestions", "Requests for follow-up questions on demand that a model was asked for", ["code"]
)
tool_calls = Counter("frontdesk_tool_calls", "Tool calls that settled", ["tool", "outcome"])
tool_s = Histogram(
    "frontdesk_tool_seconds",
    "Time that a tool call took",
    ["tool"],
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
backend_changes = Counter(
    "frontdesk_backend_changes", "A backend went down for a tenant, was looked at, or came back", ["backend", "state"]
)
model_changes = Counter(
    "frontdesk_model_changes",
    "Another model went on with a step, by the code of the error of the one before, or `down`",
    ["from", "to", "reason"],
)
model_states = Counter(
    "frontdesk_model_states",
    "A model that may be fallen back from went down, was looked at, or came back",
    ["model", "state"],
)
spans = Counter("frontdesk_spans", "Spans of traces that were over, by what became of them", ["outcome"])
context = Counter(
    "frontdesk_context",
    "Entries of assistants' context, by where they came from: kept, joined (another turn's call), fetched, or failed",
    ["entry", "outcome"],
)
memories = Counter(
    "frontdesk_memories",
    "Questions that memory was asked about: found, none, kept (which facts fit was known), late, or failed; "
    "and where words found alone that should not: vectors_late, vectors_failed, vectors_down, vectors_refused",
    ["outcome"],
)
voices = Counter(
    "frontdesk_voices",
    "Requests for speech and for dictation that models of voices were asked for, by the code of the error, if any",
    ["kind", "code"],
)
log_append_s = Histogram(
    "frontdesk_log_append_seconds",
    "Time until Redis has taken what was sent to it at once",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1),
)
tenant_runs_ended = Counter(
    "frontdesk_tenant_runs_ended",
    "Runs that ended, of the first tenants that FRONTDESK_METRICS_TENANTS lets in",
    ["tenant", "status"],
)
tenant_tokens = Counter(
    "frontdesk_tenant_tokens", "Tokens that providers counted for steps, of the same tenants", ["tenant", "kind"]
)


class TokenPrice(NamedTuple):
    """The price of a million tokens of a model; `cached` is of input that the provider had kept."""

    input: float
    cached: float
    output: float
    currency: str


class Names:
    """The first `most` values of a label, as they are; what comes later is `other`."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._known: set[str] = set()

    def begin(self, most: int) -> None:
        """Forget all values, and take the first `most` from now on."""
        self.most = most
        self._known.clear()

    def of(self, name: str) -> str:
        """Return the label for a name."""
        if name in self._known:
            return name
        if len(self._known) >= self.most:
            return OTHER
        self._known.add(name)
        return name

    def has(self, name: str) -> bool:
        """Return whether a name is one of the first."""
        return name in self._known


tool_names = Names(200)
"""Servers of tools may have new ones every day."""
model_names = Names(50)
context_names = Names(50)
prices: dict[str, TokenPrice] = {}
"""By the names of models; see `expect_prices`."""
tenant_names = Names(0)
"""`most` is what `FRONTDESK_METRICS_TENANTS` says; 0 leaves tenants out."""


def tenant_of(tenant_id: str | None) -> str | None:
    """Return the label for a tenant; None where tenants are not told apart."""
    return tenant_names.of(tenant_id) if tenant_id is not None and tenant_names.most else None


def count_end(tenant_id: str, status: str, code: str | None) -> None:
    """Count a run's end, once it is committed."""
    runs_ended.labels(status, code or "").inc()
    if (tenant := tenant_of(tenant_id)) is not None:
        tenant_runs_ended.labels(tenant, status).inc()


def expect_failures(codes: Iterable[str]) -> None:
    """Show these failures of runs from the start, with nothing counted.

    Prometheus sees no increase in a counter that appears with its first failure.
    """
    for code in codes:
        runs_ended.labels("failed", code)


def count_call(tool: str, outcome: str, taken_s: float) -> None:
    """Count a tool call that settled."""
    name = tool_names.of(tool)
    tool_calls.labels(name, outcome).inc()
    tool_s.labels(name).observe(taken_s)


def expect_prices(found: Mapping[str, TokenPrice]) -> None:
    """Count costs by these prices from now on, by the names of models."""
    prices.clear()
    prices.update(found)


def count_tokens(model: str, tenant_id: str | None, given: int, said: int, cached: int = 0) -> None:
    """Count what a call of a model took; what its provider did not count is nothing. Of what was given it had kept `cached`."""
    name, tenant = model_names.of(model), tenant_of(tenant_id)
    for kind, count in (("input", given), ("output", said), ("cached", cached)):
        if count:
            tokens.labels(name, kind).inc(count)
            if tenant is not None and kind != "cached":
                tenant_tokens.labels(tenant, kind).inc(count)
    if (price := prices.get(model)) is not None:
        paid = (given - cached) * price.input + cached * price.cached + said * price.output
        cost.labels(name, price.currency).inc(paid / 1_000_000)
