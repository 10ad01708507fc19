"""Letters between processes, and their answers: on one channel, in passing. Nobody keeps them.

The invariant: an answer is no truth. Whoever has a run is what its row says; an answer that is lost, or forged, costs time.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from secrets import token_hex
from typing import Literal, get_args
from uuid import UUID

import structlog

from agent.principal import Principal
from agent.redis.client import RedisClient
from agent.redis.errors import RedisAwayError
from agent.redis.subscriber import Subscriber
from agent.runs.letters import Head, LetterKeys, read_head
from agent.store.runs import Run

logger = structlog.get_logger()

Answer = Literal["taken", "refused", "renewed", "forbidden"]
"""To a run: another worker has it, or does not · to a token: the run has it, or must not have it."""
ANSWER_S = 2.0
"""How long a letter waits for its answer."""
_IS_ANSWER = b"answer "


@dataclass(frozen=True, slots=True)
class Cluster:
    """The way to the other processes. Without keys nothing is handed over."""

    client: RedisClient
    subscriber: Subscriber
    keys: LetterKeys | None = None


class Offers:
    """The letters of one worker."""

    def __init__(self, cluster: Cluster, keys: LetterKeys, *, worker_id: str) -> None:
        self._client = cluster.client
        self._subscriber = cluster.subscriber
        self.keys = keys
        self._worker_id = worker_id
        self._channel = f"{cluster.client.prefix}:letters"
        self._awaited: dict[str, asyncio.Future[Answer]] = {}
        self._asked: dict[str, str] = {}
        """Of what is awaited, who is to answer."""
        self._sending: set[asyncio.Task[None]] = set()
        self._heard: Callable[[Head, bytes], None] | None = None
        self._subscriber.add(self._channel, self)

    def listen(self, heard: Callable[[Head, bytes], None]) -> None:
        """Let `heard` be called with each letter that is for this worker, or for whoever has its run."""
        self._heard = heard

    async def hand_over(self, to: str, run: Run, principal: Principal, *, is_shown: bool) -> Answer | None:
        """Offer a run to another worker; return whether it says that it has it. None where it says nothing in time.

        Where one letter was waited for in vain, those to the same worker that were sent meanwhile are no longer.
        """
        head = self._head("run", principal, run.id, to=to, attempt=run.attempt, is_shown=is_shown)
        return await self._ask(head, principal)

    async def bring_token(self, principal: Principal, run_id: UUID) -> Answer | None:
        """Bring a principal's token to whoever has their run; None where nobody answers in time."""
        return await self._ask(self._head("token", principal, run_id), principal)

    def leave_token(self, principal: Principal, run_id: UUID) -> None:
        """Bring a principal's token to whoever has their run, and wait for nothing."""
        letter = self.keys.seal(self._head("token", principal, run_id), principal)
        self._send_soon(letter)

    def answer(self, head: Head, answer: Answer) -> None:
        """Answer a letter."""
        self._send_soon(_IS_ANSWER + f"{head.sender} {head.number} {answer}".encode())

    def hear(self, message: bytes) -> None:
        if message.startswith(_IS_ANSWER):
            self._take_answer(message)
            return
        head = read_head(message)
        if head is None or head.sender == self._worker_id or head.to not in ("", self._worker_id):
            return
        if self._heard is not None:
            self._heard(head, message)

    def heard_from_now_on(self) -> None:
        """Do nothing: what was not heard is not answered."""

    def deaf(self) -> None:
        """Stop waiting for answers: none is heard any more."""
        for answer in self._awaited.values():
            answer.cancel()

    def _head(
        self,
        kind: Literal["run", "token"],
        principal: Principal,
        run_id: UUID,
        *,
        to: str = "",
        attempt: int = 0,
        is_shown: bool = False,
    ) -> Head:
        return Head(
            kind,
            to,
            self._worker_id,
            principal.tenant_id,
            principal.user_id,
            str(run_id),
            attempt,
            token_hex(8),
            self.keys.seals_with,
            is_shown,
        )

    async def _ask(self, head: Head, principal: Principal) -> Answer | None:
        if not self._subscriber.is_well:
            return None
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._awaited[head.number], self._asked[head.number] = answer, head.to
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._client.call("PUBLISH", self._channel, self.keys.seal(head, principal))
                await asyncio.wait([answer])
        except TimeoutError:
            self._give_up(head.to)
            return None
        except RedisAwayError:
            return None
        finally:
            del self._awaited[head.number], self._asked[head.number]
        return None if answer.cancelled() else answer.result()

    def _give_up(self, worker_id: str) -> None:
        """Stop waiting for a worker that did not answer; `""` is whoever has a run, and may be another each time."""
        for number, to in self._asked.items():
            if worker_id and to == worker_id:
                self._awaited[number].cancel()

    def _take_answer(self, message: bytes) -> None:
        with suppress(ValueError):  # of another release
            _, to, number, said = message.decode().split(" ")
            awaited = self._awaited.get(number)
            if to == self._worker_id and said in get_args(Answer) and awaited is not None and not awaited.done():
                awaited.set_result(said)  # type: ignore[arg-type] # one of them

    def _send_soon(self, message: bytes) -> None:
        task = asyncio.get_running_loop().create_task(self._send(message))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self, message: bytes) -> None:
        with suppress(RedisAwayError):
            await self._client.call("PUBLISH", self._channel, message)
