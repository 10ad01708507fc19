"""Conversations that clients name: by an id of their own, or by what was said in them before."""

import asyncio
from uuid import UUID, uuid4

import pytest
from support.provider import Call
from support.world import OpenWorld, Person, World

from agent.principal import Principal
from agent.runs.request import RunRequest
from agent.store.runs import Run


async def ask(person: Person, message: str, key: object) -> str:
    """Ask in the conversation of this name; return its id."""
    answer = await person.ask(message, client_key=key)
    assert answer.status_code == 200, answer.text
    conversation_id: str = answer.json()["conversation_id"]
    return conversation_id


async def test_the_first_message_makes_the_conversation_and_the_next_one_finds_it(world: World, ann: Person) -> None:
    world.provider.say("Hello.")
    world.provider.say("Again.")

    first = await ask(ann, "hello", "chat-1")
    second = await ask(ann, "again", "chat-1")

    assert first == second
    assert [one["content"] for one in world.provider.requests[1]["messages"][1:3]] == ["hello", "Hello."]


async def test_a_number_is_the_same_name_as_its_digits(world: World, ann: Person) -> None:
    for _ in range(2):
        world.provider.say("Hello.")

    assert await ask(ann, "hello", 7) == await ask(ann, "hello", "7")


async def test_a_name_is_its_users_own(world: World, ann: Person, ben: Person, eve: Person) -> None:
    """G101: nobody gets anything of somebody else's, whatever they call it."""
    for _ in range(6):
        world.provider.say("Hello.")
    anns = await ask(ann, "SECRET-OF-ANN", "chat-1")

    others = [await ask(who, "hello", key) for who in (ben, eve) for key in ("chat-1", anns)]

    assert len({anns, *others}) == 5
    assert all("SECRET" not in str(request) for request in world.provider.requests[1:])
    assert await ask(ann, "mine", anns) == anns


async def test_two_first_messages_at_once_are_two_turns_of_one_conversation(world: World, ann: Person) -> None:
    for _ in range(3):
        world.provider.say("Hello.")

    made = await asyncio.gather(*(ask(ann, f"hello {number}", "chat-1") for number in range(3)))

    assert len(set(made)) == 1
    page = (await ann.request("GET", f"/conversations/{made[0]}/messages")).json()
    assert {one["turn"] for one in page["items"]} == {1, 2, 3}


async def test_what_is_deleted_gives_its_name_back(world: World, ann: Person) -> None:
    world.provider.say("Hello.")
    first = await ask(ann, "hello", "chat-1")
    await ann.request("DELETE", f"/conversations/{first}")
    world.provider.say("Hello.")

    assert await ask(ann, "hello", "chat-1") != first


@pytest.mark.parametrize("key", ["", "x" * 256, "a\0b", 1.5, True, [], {}])
async def test_what_is_no_name_is_refused(world: World, ann: Person, key: object) -> None:
    answer = await ann.ask("hello", client_key=key)

    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid_request"
    assert "client_key" in answer.json()["detail"]


@pytest.mark.parametrize("key", ["x" * 255, "a/b c?d#é", "0", "null", "4d0c0fb4-7d3c-4c5e-9d5b-0d4a1f3b6a11", -1])
async def test_any_text_is_a_name(world: World, ann: Person, key: object) -> None:
    for _ in range(2):
        world.provider.say("Hello.")

    assert await ask(ann, "hello", key) == await ask(ann, "hello", key)


async def test_a_conversation_is_named_in_one_way(world: World, ann: Person) -> None:
    answer = await ann.ask("hello", client_key="chat-1", conversation_id=str(uuid4()))

    assert answer.status_code == 422


async def test_the_same_key_in_another_conversation_is_another_request(world: World, ann: Person) -> None:
    world.provider.say("Hello.")
    headers = {"Idempotency-Key": uuid4().hex}
    assert (await ann.ask("hello", headers=headers, client_key="chat-1")).status_code == 200

    answer = await ann.ask("hello", headers=headers, client_key="chat-2")

    assert answer.json()["code"] == "idempotency_mismatch"


async def test_visitors_cannot_name_conversations(open_frontdesk: OpenWorld) -> None:
    """G101: they are one user to the database: a name would be anybody's."""
    world = await open_frontdesk(public_limit="1000/minute")
    visitor = world.person()

    answer = await visitor.ask("hello", path="/chat/public", client_key="chat-1")

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert world.rows()["conversations"] == 0


async def say(person: Person, message: str, *said: str, **more: object) -> Run:
    """Ask as a client does that names no conversation and says all again; return the run when it is over."""
    services = person.world.app.state.services
    principal: Principal = await services.authenticator.authenticate(f"Bearer {person.token}")
    run: Run = await services.runner.start(principal, RunRequest(message=message, said=said, **more))  # type: ignore[arg-type]
    async for _ in services.runner.follow(principal, run):
        pass
    return run


async def test_who_says_again_what_was_said_goes_on_there(world: World, ann: Person) -> None:
    for text in ("One.", "Two.", "Three."):
        world.provider.say(text)
    first = await say(ann, "first")
    second = await say(ann, "second", "first", "One.")
    third = await say(ann, "third", "first", " One. ", "second", "Two.")

    assert {run.conversation_id for run in (second, third)} == {first.conversation_id}
    assert [run.turn for run in (first, second, third)] == [1, 2, 3]
    assert [one["content"] for one in world.provider.requests[2]["messages"][1:5]] == [
        "first",
        "One.",
        "second",
        "Two.",
    ]


async def test_a_shorter_history_puts_another_message_in_the_place_of_what_came_then(world: World, ann: Person) -> None:
    for text in ("One.", "Two.", "Another."):
        world.provider.say(text)
    first = await say(ann, "first")
    await say(ann, "second", "first", "One.")

    edited = await say(ann, "other", "first", "One.")

    assert edited.conversation_id == first.conversation_id
    page = (await ann.request("GET", f"/conversations/{first.conversation_id}/messages")).json()
    assert [one["text"] for one in page["items"]] == ["first", "One.", "other", "Another."]


@pytest.mark.parametrize("said", [("first", "Two."), ("First", "One."), ("first",), ("One.", "first"), ()])
async def test_another_history_is_another_conversation(world: World, ann: Person, said: tuple[str, ...]) -> None:
    world.provider.say("One.")
    world.provider.say("Two.")
    first = await say(ann, "first")

    assert (await say(ann, "second", *said)).conversation_id != first.conversation_id


async def test_nobody_finds_a_conversation_by_words_of_somebody_elses(
    world: World, ann: Person, ben: Person, eve: Person
) -> None:
    """G101"""
    for _ in range(3):
        world.provider.say("One.")
    first = await say(ann, "SECRET-OF-ANN")

    for other in (ben, eve):
        run = await say(other, "second", "SECRET-OF-ANN", "One.")
        assert (run.conversation_id != first.conversation_id, run.turn) == (True, 1)
    assert "SECRET" not in str(world.provider.requests[1:])


async def test_the_answer_of_several_steps_is_known_again_as_it_was_shown(world: World, ann: Person) -> None:
    world.backend.answer("GET /orders/count", {"count": 42})
    world.provider.call(Call("count_orders"), text=["Let me look."])
    world.provider.say("42.")
    world.provider.say("Yes.")
    first = await say(ann, "first")

    second = await say(ann, "second", "first", "Let me look.\n\n42.")

    assert second.conversation_id == first.conversation_id


async def test_what_failed_without_a_word_is_gone_on_from_too(world: World, ann: Person) -> None:
    world.provider.fail(401)
    world.provider.say("Now.")
    first = await say(ann, "first")

    assert (await say(ann, "again", "first")).conversation_id == first.conversation_id


async def test_a_conversation_with_a_name_or_an_id_is_not_found_by_its_words(world: World, ann: Person) -> None:
    for _ in range(3):
        world.provider.say("One.")
    conversation_id = await ask(ann, "first", "chat-1")
    await say(ann, "first", client_key="chat-2")

    other = await say(ann, "second", "first", "One.")

    assert other.conversation_id != UUID(conversation_id)
    assert other.turn == 1
