"""Files in an object store that speaks S3's protocol. The library is an extra; only this module knows it."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from agent.errors import ConfigurationError
from agent.files.storage import StorageError

TIMEOUT_S = 30
RETRIES = 2


@dataclass(frozen=True, slots=True)
class Bucket:
    """A place in an object store. Without a key the machine's own role counts, as the library finds it."""

    name: str
    url: str | None = None
    region: str = "us-east-1"
    key_id: SecretStr | None = None
    secret: SecretStr | None = None
    prefix: str = "frontdesk"


class Objects:
    """A bucket."""

    def __init__(self, bucket: Bucket) -> None:
        try:
            from obstore.store import S3Store
        except ModuleNotFoundError as exc:
            raise ConfigurationError(
                "FRONTDESK_FILE_BUCKET needs the extra: pip install 'frontdesk[s3]', or scripts/setup serve in a checkout"
            ) from exc
        config: dict[str, Any] = {"region": bucket.region}
        if bucket.url is not None:
            config |= {"endpoint": bucket.url, "virtual_hosted_style_request": False}
        if bucket.key_id is not None and bucket.secret is not None:
            config |= {
                "access_key_id": bucket.key_id.get_secret_value(),
                "secret_access_key": bucket.secret.get_secret_value(),
            }
        is_plain = (bucket.url or "").startswith("http://")
        self._store = S3Store(
            bucket.name,
            prefix=bucket.prefix or None,
            config=config,  # type: ignore[arg-type] # the names are the library's own
            client_options={"timeout": timedelta(seconds=TIMEOUT_S), "allow_http": is_plain},
            retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=TIMEOUT_S)},
        )

    async def put(self, path: Path, key: str) -> None:
        import obstore

        try:
            await obstore.put_async(self._store, key, path)
        except (obstore.exceptions.BaseError, OSError) as exc:
            raise StorageError(f"{type(exc).__name__} of the object store") from exc

    async def read(self, key: str) -> AsyncGenerator[bytes]:
        import obstore

        try:
            found = await obstore.get_async(self._store, key)
            async for piece in found.stream(min_chunk_size=256 * 1024):
                yield bytes(piece)
        except (obstore.exceptions.BaseError, OSError) as exc:
            raise StorageError(f"{type(exc).__name__} of the object store") from exc

    async def delete(self, key: str) -> None:
        import obstore

        try:
            await obstore.delete_async(self._store, key)
        except FileNotFoundError:
            return
        except (obstore.exceptions.BaseError, OSError) as exc:
            raise StorageError(f"{type(exc).__name__} of the object store") from exc
