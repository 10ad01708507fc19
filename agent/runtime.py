"""What the runs of this process work with: opened once, closed once."""

from collections.abc import Mapping
from dataclasses import dataclass

from agent.assistant.definition import Assistant
from agent.log.contract import EventLog
from agent.loop.graph import Loop
from agent.models.catalog import Catalog
from agent.store.database import Store
from agent.toolkit import Tool


@dataclass(frozen=True, slots=True)
class Runtime:
    """What every run of this process works with."""

    store: Store
    log: EventLog
    catalog: Catalog
    assistant: Assistant
    tools: Mapping[str, Tool]
    loop: Loop
    is_traced: bool = False
