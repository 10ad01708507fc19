"""A balancer before the processes of one installation: whoever comes again lands at another one."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from support.processes import Machine
from support.steady_port import door


@dataclass(slots=True)
class Balancer:
    """Goes round over the processes that live, by TCP connection and for each client's address on its own."""

    machines: Sequence[Machine]
    url: str = ""
    _had: dict[str, int] = field(default_factory=dict)
    """By a client's address: where it was led to last."""

    def next_one(self, client: str) -> str | None:
        """Return where a client's next connection goes; None where nobody lives. One that hangs is not known to."""
        begin = self._had.get(client, -1) + 1
        for number in range(begin, begin + len(self.machines)):
            url = self.machines[number % len(self.machines)].url
            if url is not None:
                self._had[client] = number % len(self.machines)
                return url
        return None


@asynccontextmanager
async def balancer(machines: Sequence[Machine]) -> AsyncIterator[Balancer]:
    """Stand before these."""
    balancing = Balancer(machines)
    async with door(balancing.next_one) as balancing.url:
        yield balancing
