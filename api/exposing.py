"""Metrics, shown from the start: under which names, at which prices, and where."""

from contextlib import AsyncExitStack
from functools import partial

from agent.errors import RunError
from agent.metrics import TokenPrice, expect_failures, expect_prices, tenant_names
from api import errors
from api.dependencies import Services
from api.gauges import exposition
from api.metrics_port import MetricsPort


def show_metrics(stack: AsyncExitStack, services: Services) -> None:
    """Open the metrics' own port, where there is one: first, so that they tell of a database that is awaited, and closed last."""
    settings = services.settings
    tenant_names.begin(settings.metrics_tenants)
    expect_failures(errors.codes_of(RunError))
    models = [model for one in services.assistants for model in one.definition.models]
    priced = [(model.label, model.price) for model in reversed(models) if model.price is not None]
    expect_prices({label: TokenPrice(one.input, one.for_cached, one.output, one.currency) for label, one in priced})
    stack.enter_context(services.pulse)
    if settings.metrics_port is not None:
        read = partial(exposition, services)
        host, port, token = settings.metrics_host, settings.metrics_port, settings.metrics_token
        stack.enter_context(MetricsPort(host, port, token=token, read=read))
