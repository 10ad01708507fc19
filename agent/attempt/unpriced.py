"""Models that a budget of cost refuses because nobody knows their price: each refusal is counted, and a model logged once an hour."""

import time
from collections import OrderedDict

import structlog

from agent import metrics

logger = structlog.get_logger()

APART_S = 3600.0
"""How long nothing more is logged of a model."""
MOST = 1_000
"""Of so many models it is known that they were logged; for more, the first of them are forgotten."""


class Unpriced:
    """The models that were logged by this process."""

    def __init__(self) -> None:
        self._told: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._told)

    def tell(self, model: str) -> None:
        """Count a refusal, and log it unless the model was logged lately."""
        metrics.unpriced.labels(metrics.model_names.of(model)).inc()
        now = time.monotonic()
        if now < self._told.get(model, -APART_S) + APART_S:
            return
        self._told.pop(model, None)
        self._told[model] = now
        if len(self._told) > MOST:
            self._told.popitem(last=False)
        logger.error("budget_without_price", model=model)
