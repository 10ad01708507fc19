"""Users who delete conversations, and look afterwards in every place where one could still be seen."""

import asyncio
import time
from typing import Any
from uuid import uuid4

from support.clients import TRY_AGAIN, TURN_LIMIT_S, RefusedError, Visitor, body_of
from support.history import Deletion, Post

Call = tuple[str, str, dict[str, Any]]


async def delete(visitor: Visitor, conversation_id: str, *, texts: list[str] | None = None) -> Deletion:
    """Delete a conversation of the visitor's own with these texts in it, trying until the server has answered."""
    deletion = Deletion(visitor.tenant, visitor.user, conversation_id, texts or [])
    visitor.history.deletions[conversation_id] = deletion
    visitor.counts.deletions += 1
    was_tried = False
    async with asyncio.timeout(TURN_LIMIT_S):
        while True:
            response = await visitor.request("DELETE", f"/conversations/{conversation_id}")
            if response is not None and response.status_code not in TRY_AGAIN:
                break
            was_tried = True  # and may be done, although nobody said so
            await visitor.pause()
    if response.status_code != 200 and not (response.status_code == 404 and was_tried):
        visitor.history.blame("I1", f"deleting conversation {conversation_id}: {response.status_code}")
        raise RefusedError(response.status_code)
    deletion.done_at = time.time()
    return deletion


async def try_to_delete(visitor: Visitor, conversation_id: str) -> None:
    """Try to delete somebody else's conversation."""
    response = await visitor.answer("DELETE", f"/conversations/{conversation_id}")
    if response.status_code != 404:
        visitor.history.blame("I8", f"deleting conversation {conversation_id} of somebody else: {response.status_code}")


async def look_for_deleted(visitor: Visitor, conversation_id: str) -> None:
    """Look for a deleted conversation of the visitor's wherever it could be: each call is a 404, and no list has it."""
    posts = [
        post for post in visitor.history.posts if post.conversation_id == conversation_id and post.run_id is not None
    ]
    for method, path, more in _calls(conversation_id, posts[-3:]):
        response = await visitor.answer(method, path, **more)
        if response.status_code != 404:
            what = f"{method} {path}: {response.status_code} after conversation {conversation_id} was deleted"
            visitor.history.blame("I13", what)
    await _look_in_lists(visitor, conversation_id, [post.name for post in posts[-1:]])


async def _look_in_lists(visitor: Visitor, conversation_id: str, words: list[str]) -> None:
    for query in (None, *words):
        cursor: str | None = None
        while True:
            wanted = {"limit": "100", "q": query, "cursor": cursor}
            given = {name: value for name, value in wanted.items() if value is not None}
            response = await visitor.answer("GET", "/conversations", params=given)
            if response.status_code == 429:
                await visitor.pause()
                continue
            if response.status_code != 200:
                visitor.history.blame("I1", f"the list of conversations (search: {query}): {response.status_code}")
                raise RefusedError(response.status_code)
            page = response.json()
            if any(one["id"] == conversation_id for one in page["items"]):
                visitor.history.blame("I13", f"conversation {conversation_id} is still listed (search: {query})")
            cursor = page["next_cursor"]
            if cursor is None:
                break


async def post_again(visitor: Visitor, post: Post) -> None:
    """Send a message with its key again that was deleted with its conversation: it is a new one then, or refused."""
    again = Post(visitor.tenant, visitor.user, post.key, post.message, name=post.name)
    response = await visitor.answer("POST", "/chat", json=body_of(again), headers={"Idempotency-Key": post.key})
    if "x-run-id" not in response.headers:
        if response.status_code not in (404, 409, 422):
            visitor.history.blame("I13", f"{post.key} after its deletion: {response.status_code}")
        return
    visitor.acknowledge(again, response)
    if again.run_id == post.run_id or visitor.history.is_deleted(again.conversation_id):
        visitor.history.blame("I13", f"{post.key}: its key still leads to its deleted run {post.run_id}")
        return
    visitor.history.posts.append(again)


def _calls(conversation_id: str, posts: list[Post]) -> list[Call]:
    """Return all that can be asked of a conversation, and of these messages in it."""
    at = f"/conversations/{conversation_id}"
    said: dict[str, Any] = {"message": "Are you there?", "conversation_id": conversation_id}
    calls: list[Call] = [
        ("GET", at, {}),
        ("GET", f"{at}/messages", {}),
        ("GET", f"{at}/messages", {"params": {"versions": "all"}}),
        ("GET", f"{at}/export", {}),
        ("GET", f"{at}/stream", {}),
        ("PATCH", at, {"json": {"title": "Still here"}}),
        ("DELETE", at, {}),
        ("DELETE", f"/chat/{conversation_id}", {}),
        ("POST", "/chat", {"json": said, "headers": {"Idempotency-Key": f"key-{uuid4()}"}}),
        ("POST", f"{at}/edit", {"json": {"message_id": str(uuid4()), "message": "Are you there?"}}),
    ]
    for post in posts:
        calls += [
            ("GET", f"/runs/{post.run_id}", {}),
            ("GET", f"/runs/{post.run_id}/events", {"headers": {"Accept": "text/event-stream"}}),
            ("POST", f"/runs/{post.run_id}/cancel", {}),
            ("POST", f"/runs/{post.run_id}/credential", {}),
        ]
        if post.sent_to == conversation_id and post.replaces is None:
            calls.append(("POST", "/chat", {"json": body_of(post), "headers": {"Idempotency-Key": post.key}}))
        if post.answer_id is not None:
            calls.append(("POST", f"{at}/regenerate", {"json": {"message_id": post.answer_id}}))
    return calls
