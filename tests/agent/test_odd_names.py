"""Names that mean something to Redis, to Lua or to a Cluster: whoever has them is told apart from everybody else, and served."""

from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import pytest
from support.faults import until
from support.gate import KEY, Installation, Process
from support.logs import told, write
from support.redis import RedisServer, open_cluster
from support.remote_logs import processes

from agent.log.redis.forgetting import forget_streams
from agent.principal import Principal, RunKey
from agent.runs.letters import Head, LetterKeys
from agent.runs.signals import RedisSignals, Signal
from agent.store.database import new_id

ODD = [
    "acme",
    "a b",
    "{acme}",
    "a{b}c",
    "}{",
    "{}",
    "ä日本",
    "'\"\\",
    "-",
    "x" * 1000,
    "tenant:user",
    "*",
    "%s",
    "at:",
    "d",
    "answer a",
]


def is_heard(process: Process) -> bool:
    """Say whether what is published on the channel of signals is heard there."""
    return process.subscriber._channels[f"{process.client.prefix}:signals".encode()].unconfirmed <= 0


def has_none_waiting(process: Process) -> bool:
    return not process.left_waiting


@pytest.mark.timeout(300)
async def test_tenants_and_users_of_any_name_have_places_logs_and_signals_of_their_own(
    redis_server: RedisServer,
) -> None:
    """G349: on one server and on a Cluster; a limit of one is no other one's, and what is forgotten is one's alone."""
    with open_cluster() as cluster:
        for url in (redis_server.url, cluster):
            async with AsyncExitStack() as stack:
                installation = Installation(url, stack)
                limits: dict[str, Any] = {"max_runs": 100, "max_runs_per_tenant": 2, "max_runs_per_user": 1}
                first, second = [await installation.process(**limits) for _ in range(2)]
                for name in ODD:
                    await first.arrive(name, name)
                    await second.arrive(name, name)
                    await second.arrive(name, f"{name} ")
                assert first.inside == [(name, name) for name in ODD]
                assert second.inside == [(name, f"{name} ") for name in ODD]
                assert second.left_waiting == [(name, name) for name in ODD]
                for _ in ODD:
                    await first.leave()
                await until(partial(has_none_waiting, second))

                told_of: list[Signal] = []
                signals = [RedisSignals(one.client, one.subscriber) for one in (first, second)]
                signals[1].listen(told_of.append)
                sent = [Signal("stop", RunKey(name, new_id()), new_id()) for name in ODD]
                await until(partial(is_heard, second))
                for signal in sent:
                    signals[0].tell(signal)
                await until(partial(sent.__eq__, told_of))

                log, reader = await stack.enter_async_context(processes(url))
                runs = [RunKey(name, sent[0].run.run_id) for name in ODD]
                for number, run in enumerate(runs):
                    await write(log.open(run, 1), told(6 + number))
                assert [len(await reader.read(run)) for run in runs] == [7 + number for number in range(len(ODD))]
                await forget_streams(reader._client, runs[:1])
                assert [len(await reader.read(run)) for run in runs[1:]] == [8 + n for n in range(len(ODD) - 1)]


def test_a_letter_of_any_name_says_whose_it_is() -> None:
    """G349"""
    keys = LetterKeys([KEY])
    for name in ODD:
        person = Principal(name, name, role=name)
        head = Head("run", "you", "me", name, name, str(new_id()), 1, "number", keys.seals_with)
        opened = keys.open(keys.seal(head, person))
        assert (opened.tenant_id, opened.user_id, opened.role) == (name, name, name)
