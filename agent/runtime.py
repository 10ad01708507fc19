"""The parts that the runs of this process work with: opened once, closed once."""

from dataclasses import dataclass

from agent.assistant.source import Assistants
from agent.attempt.budgets import Budgets
from agent.context.gathering import Contexts
from agent.files.room import Files
from agent.log.contract import EventLog
from agent.loop.graph import Loop
from agent.models.catalog import Catalog
from agent.models.health import Health
from agent.store.database import Store
from agent.tracing import forget_outdated


@dataclass(frozen=True, slots=True)
class Runtime:
    """The parts that every run of this process works with."""

    store: Store
    log: EventLog
    catalog: Catalog
    assistants: Assistants
    loop: Loop
    budgets: Budgets
    health: Health
    is_traced: bool = False
    contexts: Contexts | None = None
    files: Files | None = None

    def __post_init__(self) -> None:
        if not self.is_traced:
            forget_outdated()
