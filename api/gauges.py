"""The metrics of this process: what was counted, and what stands at this moment, which is read when somebody asks.

The invariant: it asks nobody and waits for nothing, so it answers whatever hangs; and it may be read in any thread.
"""

from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api import __version__
from api.dependencies import Services

CONTENT_TYPE = CONTENT_TYPE_LATEST


def exposition(services: Services) -> bytes:
    """Return all metrics as Prometheus reads them."""
    return generate_latest(_Everything(services))


class _Everything(Collector):
    """Counters, which are the process's, and gauges, which are the installation's that runs in it."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        yield from REGISTRY.collect()
        yield from self._standing()
        yield from self._database()

    def _standing(self) -> Iterator[Metric]:
        services, runner = self._services, self._services.runner
        info = GaugeMetricFamily("frontdesk_build_info", "Which version this is", labels=["version"])
        info.add_metric([__version__], 1)
        yield info
        for name, meaning, value in (
            ("ready", "Whether messages are taken: as /readyz says", runner.is_ready),
            (
                "whole",
                "Whether other processes read what is written here; 0 is what /readyz calls degraded",
                runner.is_whole,
            ),
            (
                "streams_open",
                "Answers that somebody reads or waits for here, in whatever protocol",
                runner.reader_count,
            ),
            ("log_lag_seconds", "How long Redis has not taken what there is for it", services.log.lag_s),
            ("loop_late_seconds", "How long the event loop has not come to what is due", services.pulse.late_s),
        ):
            yield GaugeMetricFamily(f"frontdesk_{name}", meaning, value)

    def _database(self) -> Iterator[Metric]:
        families = [
            GaugeMetricFamily(f"frontdesk_database_{name}", meaning, labels=["pool"])
            for name, meaning in (
                ("connections_in_use", "Connections that somebody has"),
                ("connections_max", "Connections that there may be"),
                ("waiting", "Transactions that wait for one"),
            )
        ]
        for pool, opened in self._services.store.pools.items():
            for family, value in zip(families, opened.use, strict=True):
                family.add_metric([pool], value)
        yield from families
