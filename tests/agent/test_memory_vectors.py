"""Facts by what they mean: beside words, never in their way, and never anybody else's."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from support.faults import until
from support.http import Connection, Request
from support.meaning import NUMBERS, Meaning, meanings
from support.memory_questions import EVERY, OTHERS
from support.rows import ANN, in_one
from support.world import OpenWorld

from agent import metrics
from agent.assistant.memory import Memory as MemoryDefinition
from agent.assistant.selection import EmbeddingModel
from agent.context.memories import Memories
from agent.errors import ConfigurationError
from agent.principal import Principal
from agent.store.database import Store
from agent.store.memories import (
    change_memory,
    delete_memories,
    delete_own_memories,
    find_memory,
    keep_memory,
    read_vectors,
)
from tools.selection.endpoint import EmbeddingServer

BEN = Principal("acme", "ben")
DOG = "My dog is called Rocky."
PET = "What is our pet's name?"


def definition(server: Meaning, **more: Any) -> MemoryDefinition:
    model = EmbeddingModel(model="openai:vec", base_url=f"{server.url}/v1", timeout_s=5)
    return MemoryDefinition(embeddings=model, **{"find_timeout_s": 5, "told_facts": 5, **more})


@asynccontextmanager
async def remembering(store: Store, server: Meaning) -> AsyncIterator[Memories]:
    """A memory that finds by meaning; all facts that are there have been learnt."""
    memories = Memories(store)
    wanted = definition(server).embeddings
    assert isinstance(wanted, EmbeddingModel)
    async with EmbeddingServer(wanted, base_url=None, api_key=None) as model:
        memories.find_by(model)
        yield memories
        await memories.close()


async def learnt(memories: Memories, *owners: str) -> None:
    assert memories.vectors is not None
    for owner in owners:
        for _ in range(20):
            async with memories._store.read("acme") as connection:
                found = await read_vectors(connection, "acme", owner, model=memories.vectors._digest)
            if all(packed for _, packed in found):
                break
            memories.vectors.learn("acme", owner)
            await asyncio.gather(*memories.vectors._learning.values())


def counted(outcome: str) -> float:
    return float(metrics.memories.labels(outcome)._value.get())


async def test_a_hundred_questions_find_more_of_their_facts_with_vectors_and_none_less(store: Store) -> None:
    """G523: in ten languages; what is found with and without is printed apart."""
    async with store.write(ANN.tenant_id) as connection:
        for fact in [*(one.fact for one in EVERY), *OTHERS]:
            await keep_memory(connection, ANN, fact, owner="ann", most=1000)
    names = {text: one.fact for one in EVERY for text in (one.fact, one.question)}
    async with meanings(names) as server, remembering(store, server) as memories:
        await learnt(memories, "ann")
        found: dict[bool, set[Any]] = {}
        for with_vectors in (False, True):
            wanted = definition(server) if with_vectors else MemoryDefinition(find_timeout_s=5)
            told = {one: (await memories.recall(wanted, ANN, one.question)).of_user for one in EVERY}
            found[with_vectors] = {one for one in EVERY if one.fact in told[one]}
            shared, others = [one for one in EVERY if one.shares], [one for one in EVERY if not one.shares]
            counts = [f"{len(found[with_vectors] & set(some))} of {len(some)}" for some in (shared, others)]
            print(
                f"\n{'with' if with_vectors else 'without'} vectors: {counts[0]} with a shared word, {counts[1]} without"
            )
        assert found[False] <= found[True]
        for language in {one.language for one in EVERY}:
            assert sum(one.language == language for one in found[True]) >= 9, language


async def test_a_slow_or_broken_model_holds_nothing_up_and_words_find_alone(store: Store) -> None:
    """G524: it is counted, and not asked again for a while; what comes late is there the next time."""
    await in_one(store, keep_memory, ANN, DOG, owner="ann", most=9)
    async with meanings({PET: DOG}) as server, remembering(store, server) as memories:
        await learnt(memories, "ann")
        gate = asyncio.Event()

        async def slow(_request: Request, connection: Connection) -> None:
            await gate.wait()
            server.ill = None
            await server.handle(_request, connection)

        server.ill = slow
        late, hasty = counted("vectors_late"), definition(server, find_timeout_s=2)
        begun = time.monotonic()
        assert not await memories.recall(hasty, ANN, PET)
        assert (await memories.recall(hasty, ANN, "How old is my dog?")).of_user == (DOG,)
        assert time.monotonic() - begun < 30, "the model says nothing until it is let"
        assert counted("vectors_late") == late + 2
        gate.set()
        await until(lambda: memories.vectors is not None and not memories.vectors._asking)
        assert (await memories.recall(hasty, ANN, PET)).of_user == (DOG,)

        async def broken(_request: Request, connection: Connection) -> None:
            await connection.respond(500, b"SECRET")

        server.ill, failed, asked = broken, counted("vectors_failed"), len(server.texts)
        for question in ("Is the dog well?", "Does the dog bite?", "And the dog?"):
            assert (await memories.recall(definition(server), ANN, question)).of_user == (DOG,)
        assert counted("vectors_failed") == failed + 1
        assert len(server.texts) == asked + 1, "one that is ill is left alone for a while"


async def test_a_vector_is_its_facts_and_its_owners(store: Store) -> None:
    """G523: nobody is compared with another's, and it goes and changes with its fact."""
    for owner in ("ann", "ben"):
        await in_one(store, keep_memory, ANN, DOG if owner == "ann" else "Mine is a cat.", owner=owner, most=9)
    async with meanings({PET: DOG, "Mine is a cat.": DOG}) as server, remembering(store, server) as memories:
        await learnt(memories, "ann", "ben")
        assert (await memories.recall(definition(server), ANN, PET)).of_user == (DOG,)
        assert (await memories.recall(definition(server), BEN, PET)).of_user == ("Mine is a cat.",)
        assert not await memories.recall(definition(server), Principal("rival", "ann"), PET)
        async with store.write("acme") as connection:
            assert await find_memory(connection, ANN, DOG, owners=["ann"]) is not None
            assert await delete_own_memories(connection, ANN) == 1
        memories.changed("acme", "ann")
        assert not await memories.recall(definition(server), ANN, PET)


async def test_a_fact_that_a_model_remembers_is_found_by_what_it_means(open_frontdesk: OpenWorld) -> None:
    """G523: through the whole of an installation, whose assistants name one model."""
    from support.provider import Call

    async with meanings({PET: DOG}) as server:
        model = {"model": "openai:vec", "base_url": f"{server.url}/v1"}
        world = await open_frontdesk(assistant={"memory": {"embeddings": model, "find_timeout_s": 5}})
        ann = world.person()
        world.provider.call(Call("remember", {"fact": DOG}))
        world.provider.say("Yes.")
        await ann.ask("Remember my dog Rocky.")
        vectors = world.app.state.services.contexts.memories.vectors
        await until(lambda: not vectors._learning and DOG in server.texts)
        world.provider.say("Rocky.")
        await ann.ask(PET)
        assert DOG in world.provider.requests[-1]["messages"][-1]["content"]
    with pytest.raises(ConfigurationError, match=r"memory\.embeddings"):
        await open_frontdesk(assistant={"memory": {"embeddings": {"model": "openai:vec", "api_key_env": "NOT_THERE"}}})


async def test_a_text_that_a_model_refuses_blinds_nobody_else(store: Store) -> None:
    """G589: neither a fact, which is not asked for again, nor a question; a model that refuses everything is left alone."""
    for owner, fact in (("ann", DOG), ("ann", "POISON fact."), ("ben", "Mine is a cat.")):
        await in_one(store, keep_memory, ANN, fact, owner=owner, most=9)
    async with meanings({PET: DOG, "Mine is a cat.": DOG}) as server, remembering(store, server) as memories:
        assert memories.vectors is not None

        async def picky(request: Request, connection: Connection) -> None:
            if b"POISON" in request.body or server.names == {}:
                await connection.respond(400, b"{}")
                return
            server.ill = None
            await server.handle(request, connection)
            server.ill = picky

        server.ill = picky
        await learnt_once(memories, "ann")
        assert (await memories.recall(definition(server), ANN, PET)).of_user == (DOG,)
        asked = len(server.texts)
        await learnt_once(memories, "ann")
        assert len(server.texts) == asked, "a fact that was refused is asked for again"
        failed = counted("vectors_failed")
        assert (await memories.recall(definition(server), ANN, "POISON?")).of_user == ("POISON fact.",)
        await learnt_once(memories, "ben")
        assert (await memories.recall(definition(server), BEN, PET)).of_user == ("Mine is a cat.",)
        assert counted("vectors_failed") == failed
        server.names = {}
        assert not await memories.recall(definition(server), ANN, "Anything else?")
        assert counted("vectors_failed") == failed + 1


async def learnt_once(memories: Memories, owner: str) -> None:
    assert memories.vectors is not None
    memories.vectors.learn("acme", owner)
    await asyncio.gather(*memories.vectors._learning.values())


async def test_vectors_take_so_much_memory_and_an_answer_no_more_than_its_texts_need(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G589"""
    for owner in ("ann", "ben"):
        await in_one(store, keep_memory, ANN, DOG, owner=owner, most=9)
    async with meanings({PET: DOG}) as server, remembering(store, server) as memories:
        await learnt(memories, "ann", "ben")
        vectors = memories.vectors
        assert vectors is not None
        monkeypatch.setattr("agent.context.vectors.MAX_OWNED_BYTES", 4 * NUMBERS)
        for who in (ANN, BEN):
            assert await memories.recall(definition(server), who, PET)
        assert list(vectors._owned) == [("acme", "ben")]

        async def endless(_request: Request, connection: Connection) -> None:
            await connection.respond(200, b'{"data":[{"index":0,"embedding":[' + b"1," * 500_000 + b"1]}]}")

        server.ill, failed = endless, counted("vectors_failed")
        assert (await memories.recall(definition(server), ANN, "And the dog?")).of_user == (DOG,)
        assert counted("vectors_failed") == failed + 1


async def test_a_fact_that_is_changed_or_erased_while_its_vector_is_made_keeps_none(store: Store) -> None:
    """G523"""
    for fact in (DOG, "I have a boat."):
        await in_one(store, keep_memory, ANN, fact, owner="ann", most=9)
    async with meanings() as server, remembering(store, server) as memories:
        assert memories.vectors is not None
        asked, go_on = asyncio.Event(), asyncio.Event()

        async def slow(request: Request, connection: Connection) -> None:
            asked.set()
            await go_on.wait()
            server.ill = None
            await server.handle(request, connection)

        server.ill = slow
        memories.vectors.learn("acme", "ann")
        learning = list(memories.vectors._learning.values())
        await until(asked.is_set)
        async with store.write("acme") as connection:
            dog = await find_memory(connection, ANN, DOG, owners=["ann"])
            boat = await find_memory(connection, ANN, "I have a boat.", owners=["ann"])
            assert dog is not None
            assert boat is not None
            await change_memory(connection, ANN, dog, "My dog is called Max.")
            await delete_memories(connection, ANN, [boat])
        go_on.set()
        await asyncio.gather(*learning)
        async with store.read("acme") as connection:
            found = await read_vectors(connection, "acme", "ann", model=memories.vectors._digest)
        assert found == [(dog.id, None)]
        await learnt(memories, "ann")
        assert "My dog is called Max." in server.texts
