"""Files in an object store that speaks S3's protocol: kept, handed out, and gone."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr
from support.faults import until
from support.world import OpenWorld

from agent.errors import ConfigurationError
from agent.files.objects import Bucket, Objects
from agent.files.opening import open_files
from agent.files.storage import StorageError
from api.settings import Settings

KEY = {"aws_access_key_id": "id", "aws_secret_access_key": "secret"}


@pytest.fixture(scope="module")
def store_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An object store in a process of its own, with a bucket named `desk`; yields its address."""
    log = tmp_path_factory.mktemp("objects") / "log"
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret"}
    program = (
        "import threading, werkzeug.serving as s; from moto.server import DomainDispatcherApplication as D, create_backend_app as c;"
        "server = s.make_server('127.0.0.1', 0, D(c), threaded=True); print(server.port, flush=True); server.serve_forever()"
    )
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
        ) as process,
    ):
        try:
            assert process.stdout is not None
            url = f"http://127.0.0.1:{int(process.stdout.readline())}"
            assert httpx2.put(f"{url}/desk", headers=_signed()).status_code == 200
            yield url
        finally:
            process.kill()


def _signed() -> dict[str, str]:
    return {
        "Authorization": "AWS4-HMAC-SHA256 Credential=id/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=x"
    }


def bucket(url: str, name: str = "desk") -> Bucket:
    return Bucket(name, url, key_id=SecretStr("id"), secret=SecretStr("secret"))


async def read(objects: Objects, key: str) -> bytes:
    return b"".join([piece async for piece in objects.read(key)])


async def test_what_is_put_is_read_whole_and_deleted_as_often_as_one_likes(store_url: str, tmp_path: Path) -> None:
    objects, path = Objects(bucket(store_url)), tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 20_000)
    await objects.put(path, "key")
    assert await read(objects, "key") == path.read_bytes()
    await objects.delete("key")
    await objects.delete("key")
    with pytest.raises(StorageError):
        await read(objects, "key")


async def test_a_store_that_is_not_there_is_told_of(tmp_path: Path) -> None:
    objects, path = Objects(bucket("http://127.0.0.1:9")), tmp_path / "file"
    path.write_bytes(b"x")
    for work in (objects.put(path, "key"), read(objects, "key"), objects.delete("key")):
        with pytest.raises(StorageError):
            await work


async def test_an_installation_keeps_its_files_there_and_nothing_on_its_disk(
    store_url: str, open_frontdesk: OpenWorld
) -> None:
    """G538"""
    names = {"file_bucket": "desk", "file_bucket_url": store_url, "file_bucket_prefix": "mine"}
    secrets = {"file_bucket_key_id": "id", "file_bucket_secret": "secret"}
    world = await open_frontdesk(assistant={"files": True}, **names, **secrets)
    ann = world.person()
    kept = (await ann.request("POST", "/files", files={"file": ("a.txt", b"hello")})).json()
    assert (await ann.request("GET", f"/files/{kept['id']}")).content == b"hello"
    assert not [one for one in (world.settings.data / "files").rglob("*") if one.is_file()]
    assert "mine/" in await _listed(store_url)
    assert (await ann.request("DELETE", f"/files/{kept['id']}")).status_code == 204

    async def is_gone() -> bool:
        return "mine/" not in await _listed(store_url)

    await until(is_gone)


async def _listed(url: str) -> str:
    async with httpx2.AsyncClient() as client:
        return (await client.get(f"{url}/desk?list-type=2", headers=_signed())).text


def test_half_a_key_stops_the_start() -> None:
    settings = Settings(_env_file=None, file_bucket="desk", file_bucket_key_id=SecretStr("id"))
    with pytest.raises(ConfigurationError, match="give both"):
        open_files(settings, settings.open_store(), data=Path())
