"""Logs: one JSON object a line on standard error. Request, tenant and run are bound where they become known."""

import logging
import sys
from contextlib import suppress
from typing import TextIO, cast

import structlog
from prometheus_client import Counter

from agent.metrics import Names

logged = Counter("frontdesk_log_lines", "Lines of level warning and above that were logged", ["level", "event"])
COUNTED = frozenset({"warning", "error", "critical"})
LIBRARY = "library"
"""The event of lines that are not ours: each has words of its own."""
_events = Names(200)
_JSON = structlog.processors.JSONRenderer()


class Unbreakable:
    """An output whose end is nobody's problem: a full disk, or a reader that is gone, must not stop what is logged about."""

    def __init__(self, output: TextIO) -> None:
        self._output = output

    def write(self, text: str) -> int:
        """Write, or lose the text."""
        with suppress(OSError, ValueError):
            return self._output.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush what can be flushed."""
        with suppress(OSError, ValueError):
            self._output.flush()


def configure(level: str, *, is_for_people: bool = False, tells_messages: bool = True) -> None:
    """Send structlog's and the libraries' lines the same way, as JSON or for people. Libraries speak from `warning` up.

    `tells_messages`: whether the lines of tools that broke have what their exceptions say.
    """
    renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()) if is_for_people else _JSON
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, _count, *([] if tells_messages else [_without_message]), renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", Unbreakable(sys.stderr))),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _count_library, _without_exception],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                renderer,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def _count(
    _logger: structlog.typing.WrappedLogger, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Count a line of ours that an operator should know of, by the name of what happened."""
    if event["level"] in COUNTED:
        logged.labels(event["level"], _events.of(str(event["event"]))).inc()
    return event


def _without_message(
    _logger: structlog.typing.WrappedLogger, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    if event["event"] == "tool_failed":
        event.pop("message", None)
    return event


def _count_library(
    _logger: structlog.typing.WrappedLogger, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    logged.labels(event["level"], LIBRARY).inc()
    return event


def _without_exception(
    _logger: structlog.typing.WrappedLogger, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Leave a library's exception out but for its type: tracebacks end in messages, and messages hold data."""
    record = event.get("_record")
    if record is not None and record.exc_info and record.exc_info[0]:
        event["error"] = record.exc_info[0].__name__
        record.exc_info = None
        record.exc_text = None
    event.pop("exc_info", None)
    return event
