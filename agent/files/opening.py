"""The files of an installation, made of its settings."""

from pathlib import Path

from agent.errors import ConfigurationError
from agent.files.disk import Disk
from agent.files.objects import Bucket, Objects
from agent.files.quota import Limits
from agent.files.reader import Bounds, Reader
from agent.files.room import Files
from agent.files.settings import FileSettings
from agent.files.spool import Spool
from agent.files.storage import Storage
from agent.store.database import Store

SPOOL = "spool"


def open_files(settings: FileSettings, store: Store, *, data: Path) -> Files:
    """Return the files. Nothing is opened or made yet.

    Raises:
        ConfigurationError: a bucket is named, and what speaks with it is missing, or half of its key.
    """
    folder = settings.file_folder or data / "files"
    limits = Limits(
        settings.max_file_bytes,
        settings.max_files_per_message,
        settings.max_loose_file_bytes,
        settings.loose_files_keep_s,
        settings.max_user_file_bytes,
        settings.max_tenant_file_bytes,
    )
    return Files(store, _storage(settings, folder), Reader(_bounds(settings)), Spool(folder / SPOOL), limits)


def _bounds(settings: FileSettings) -> Bounds:
    return Bounds(
        at_once=settings.file_readers,
        timeout_s=settings.file_timeout_s,
        memory_bytes=settings.file_memory_bytes,
        characters=settings.file_characters,
        pages=settings.file_pages,
        pixels=settings.picture_pixels,
        edge=settings.picture_edge,
        unpacked_bytes=settings.file_unpacked_bytes,
    )


def _storage(settings: FileSettings, folder: Path) -> Storage:
    if settings.file_bucket is None:
        return Disk(folder)
    if (settings.file_bucket_key_id is None) != (settings.file_bucket_secret is None):
        raise ConfigurationError("FRONTDESK_FILE_BUCKET_KEY_ID and FRONTDESK_FILE_BUCKET_SECRET: give both, or neither")
    return Objects(
        Bucket(
            settings.file_bucket,
            settings.file_bucket_url,
            settings.file_bucket_region,
            settings.file_bucket_key_id,
            settings.file_bucket_secret,
            settings.file_bucket_prefix,
        )
    )
