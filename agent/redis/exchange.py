"""Commands that go to one server at once, as redis-py's pipeline sends them, for a third of what that takes.

They are packed by hiredis, as redis-py packs what does not wait, and their answers stand as they came: nothing makes dates or
pairs of them. Connections are of redis-py's pool, and so is what it does about one that is lost: it asks once more.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, cast

from hiredis import pack_command
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.exceptions import ResponseError


async def exchange(pool: ConnectionPool, commands: Sequence[Sequence[Any]]) -> list[Any]:
    """Return the answers to commands, in order. The answer to a refused command is its error.

    Raises:
        RedisError: nobody knows which of them were done. A connection on which answers are missing is closed.
    """
    packed = b"".join(pack_command(cast("tuple[bytes]", tuple(command))) for command in commands)
    connection: AbstractConnection = await pool.get_connection()  # type: ignore[no-untyped-call]
    try:
        again = partial(_lost, connection)
        return await connection.retry.call_with_retry(partial(_answers, connection, packed, len(commands)), again)
    finally:
        await pool.release(connection)


async def _answers(connection: AbstractConnection, packed: bytes, count: int) -> list[Any]:
    await connection.send_packed_command(packed)
    answers: list[Any] = []
    for _ in range(count):
        try:
            answers.append(await connection.read_response())
        except ResponseError as exc:
            answers.append(exc)
    return answers


async def _lost(connection: AbstractConnection, _error: Exception) -> None:
    await connection.disconnect()
