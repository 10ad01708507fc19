"""How users use the assistant while faults are made: in every way that the API has, old conversations and new ones."""

import asyncio
from collections.abc import Awaitable
from random import Random
from typing import Any, TypeVar

from support.clients import TURN_LIMIT_S, Habits, RefusedError, Visitor, until
from support.deleting import delete, look_for_deleted, post_again, try_to_delete
from support.history import Post
from support.scenario import Plan
from support.stage import Stage

Result = TypeVar("Result")

RESTLESS = Habits(cut=0.08, go_back=0.15, forget=0.1, stray=0.05)
CALM = Habits()
DELETES = 0.25
"""How often a user deletes something after a turn, where that is wanted."""


async def live(stage: Stage, visitor: Visitor) -> None:
    """Use the assistant until it is over."""
    random = visitor.random
    conversation_id: str | None = None
    turn = 0
    try:
        while not stage.over.is_set():
            turn += 1
            if random.random() < 0.3:
                conversation_id = None
            post = visitor.post(_plan(random, f"{visitor.user}.{turn}"), conversation_id)
            post = await _one_turn(stage, visitor, post, random)
            if random.random() < 0.2:
                post = await _replace(visitor, post)
                await visitor.stream(post, RESTLESS)
            conversation_id = post.conversation_id
            if conversation_id is not None and random.random() < 0.3:
                await _look_for(visitor, post)
            if "deletions" in stage.kinds and random.random() < DELETES:
                conversation_id = await _delete_something(stage, visitor, conversation_id)
            await asyncio.sleep(random.random() * 0.3)
    except RefusedError:
        return  # the history has it
    except TimeoutError:
        visitor.history.blame("I7", f"{visitor.user} of {visitor.tenant} waited in vain in turn {turn}")


def _plan(random: Random, name: str) -> Plan:
    steps = [
        (random.choice((0, 1, 3)), random.choice((0, 0, 1, 3)), random.choice((0, 0, 0, 1)))
        for _ in range(random.choice((0, 0, 1, 1, 2)))
    ]
    return Plan(
        name,
        steps=tuple(step for step in steps if sum(step)),
        pieces=random.choice((1, 5, 20)),
        pause_ms=random.choice((0, 5, 40)),
        words=random.random() < 0.5,
        failures=int(random.random() < 0.1),
        asks=random.random() < 0.4,
        pages=random.random() < 0.3,
    )


async def _one_turn(stage: Stage, visitor: Visitor, post: Post, random: Random) -> Post:
    """Send a message, in one of the ways to do so; return the message that is in its place in the end."""
    habits = random.choice((CALM, RESTLESS))
    match random.choices(("stream", "json", "cancel", "watched", "two", "edit"), (5, 2, 1, 2, 1, 1))[0]:
        case "stream":
            await visitor.stream(post, habits)
        case "json":
            await visitor.ask(post)
        case "cancel":
            await _both(visitor.stream(post, habits), _cancel(stage, visitor, post))
        case "watched":
            await _both(visitor.stream(post, habits), _watch(visitor, post))
        case "two":
            await _both(visitor.stream(post, habits), _follow_up(visitor, post, habits))
        case "edit":
            _, post = await _both(visitor.stream(post, habits), _change_mind(stage, visitor, post, habits))
    return post


async def _both(first: Awaitable[object], second: Awaitable[Result]) -> tuple[object, Result]:
    """Wait for two things; when one fails the other is stopped."""
    tasks: list[asyncio.Future[Any]] = [asyncio.ensure_future(first), asyncio.ensure_future(second)]
    try:
        done, wanted = await asyncio.gather(*tasks)
        return done, wanted
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _cancel(stage: Stage, visitor: Visitor, post: Post) -> None:
    """Stop the run some time after it was acknowledged."""
    await until(lambda: post.run_id is not None, limit_s=TURN_LIMIT_S, what="a run to cancel")
    await asyncio.sleep(visitor.random.random() * 0.5)
    assert post.run_id is not None
    stage.cancelled.add(post.run_id)
    await visitor.cancel(post.run_id)


async def _watch(visitor: Visitor, post: Post) -> None:
    """Read the run as a second client, restlessly."""
    await until(lambda: post.run_id is not None, limit_s=TURN_LIMIT_S, what="a run to watch")
    assert post.run_id is not None
    await visitor.watch(post.run_id, RESTLESS)


async def _follow_up(visitor: Visitor, post: Post, habits: Habits) -> None:
    """Send a second message into the conversation while the first one is being answered."""
    await until(lambda: post.conversation_id is not None, limit_s=TURN_LIMIT_S, what="a conversation")
    plan = _plan(visitor.random, f"{visitor.user}.second.{visitor.random.random()}")
    await visitor.stream(visitor.post(plan, post.conversation_id), habits)


async def _replace(visitor: Visitor, post: Post) -> Post:
    """Return another version of a turn. One that writes is not asked for again: the model would write again, and rightly so."""
    if post.writes or visitor.random.random() < 0.5:
        return await visitor.replace(post, _plan(visitor.random, f"{visitor.user}.edited.{visitor.random.random()}"))
    return await visitor.replace(post)


async def _change_mind(stage: Stage, visitor: Visitor, post: Post, habits: Habits) -> Post:
    """Put another message in the place of one that may still be answered: that stops its run."""
    await until(lambda: post.run_id is not None, limit_s=TURN_LIMIT_S, what="a run to replace")
    await asyncio.sleep(visitor.random.random() * 0.3)
    assert post.run_id is not None
    stage.cancelled.add(post.run_id)
    edited = await visitor.replace(post, _plan(visitor.random, f"{visitor.user}.edited.{visitor.random.random()}"))
    await visitor.stream(edited, habits)
    return edited


async def _look_for(visitor: Visitor, post: Post) -> None:
    """Look whether an acknowledged message is readable, once, through the API."""
    assert post.conversation_id is not None
    messages = await visitor.messages(post.conversation_id)
    found = [one for one in messages if one["role"] == "user" and one["run_id"] == post.run_id]
    if [one["text"] for one in found] != [post.message]:
        visitor.history.blame("I1", f"{post.key}: read {len(found)} times through the API")


async def _delete_something(stage: Stage, visitor: Visitor, conversation_id: str | None) -> str | None:
    """Delete a conversation, in one of the ways to do so; return the one that can be gone on with."""
    match visitor.random.choice(("last", "last", "answered", "answered", "large", "foreign", "again")):
        case "last" if conversation_id is not None:
            await _delete(visitor, conversation_id)
            return None
        case "answered":
            await _delete_while_answered(visitor, conversation_id)
            return None
        case "large" if visitor.user in stage.large:
            large, text = stage.large.pop(visitor.user)
            await delete(visitor, large, texts=[text])
            await look_for_deleted(visitor, large)
        case "foreign":
            others = [post.conversation_id for post in visitor.history.posts if post.user != visitor.user]
            if foreign := [one for one in others if one is not None]:
                await try_to_delete(visitor, visitor.random.choice(foreign))
        case "again":
            await _delete_and_post_again(visitor)
    return conversation_id


async def _delete(visitor: Visitor, conversation_id: str) -> None:
    texts = [post.message for post in visitor.history.posts if post.conversation_id == conversation_id]
    await delete(visitor, conversation_id, texts=texts)
    await look_for_deleted(visitor, conversation_id)


async def _delete_while_answered(visitor: Visitor, conversation_id: str | None) -> None:
    """Delete a conversation while a message in it is being answered, or just was."""
    post = visitor.post(_plan(visitor.random, f"{visitor.user}.deleted.{visitor.random.random()}"), conversation_id)

    async def delete_it() -> None:
        await until(lambda: post.conversation_id is not None, limit_s=TURN_LIMIT_S, what="a conversation to delete")
        await until(lambda: post.run_id is not None, limit_s=TURN_LIMIT_S, what="a run to delete")
        await asyncio.sleep(visitor.random.random() * 0.5)
        assert post.conversation_id is not None
        await _delete(visitor, post.conversation_id)

    await _both(visitor.stream(post, Habits(repost=0)), delete_it())


async def _delete_and_post_again(visitor: Visitor) -> None:
    """Delete a conversation and send the message that began it again, with its key. It writes nothing: that would be twice."""
    plan = Plan(f"{visitor.user}.again.{visitor.random.random()}", steps=((1, 0, 0),), pieces=1)
    post = visitor.post(plan)
    await visitor.stream(post)
    assert post.conversation_id is not None
    await delete(visitor, post.conversation_id)
    await look_for_deleted(visitor, post.conversation_id)
    await post_again(visitor, post)
