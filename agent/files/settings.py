"""Settings of files: how large they may be, what opening one may take, and where they are kept."""

from pathlib import Path

from pydantic import Field, SecretStr

from agent.settings import EnvironmentSettings


class FileSettings(EnvironmentSettings):
    """Settings of the files that users attach and tools give, where an assistant has `files` (docs/files.md)."""

    max_file_bytes: int = Field(
        default=20 * 1024 * 1024,
        ge=1024,
        description="a larger file gets a 413; it has FRONTDESK_BODY_TIMEOUT_S to arrive",
    )
    max_files_per_message: int = Field(default=10, ge=1, le=50, description="files that a message may have")
    max_loose_file_bytes: int = Field(
        default=200 * 1024 * 1024,
        ge=1024,
        description="of one user's files together that no message has yet; more get a 429",
    )
    loose_files_keep_s: float = Field(
        default=86_400.0, gt=0, description="how long a file waits for a message to take it; then it goes"
    )
    max_user_file_bytes: int = Field(
        default=5 * 1024**3,
        ge=16 * 1024,  # each file takes 8 KiB beside its content
        description="of all files of one user that are kept, with their texts and 8 KiB for each; more get a 429",
    )
    max_tenant_file_bytes: int = Field(
        default=200 * 1024**3, ge=1024, description="the same of all users of one tenant together"
    )
    max_uploads_per_user: int = Field(
        default=10, ge=1, description="files that one user may be sending at once; one more gets a 429"
    )
    max_uploads_per_tenant: int = Field(default=100, ge=1, description="of these, all users of one tenant")
    upload_limit: str = Field(default="60/minute", description="files that one user may send")
    file_readers: int = Field(default=2, ge=1, le=32, description="processes of this one that open files at once")
    file_timeout_s: float = Field(
        default=30.0, gt=0, le=600, description="opening one file, and waiting for a process that does"
    )
    file_memory_bytes: int = Field(
        default=768 * 1024 * 1024, ge=256 * 1024 * 1024, description="memory of a process that opens a file"
    )
    file_characters: int = Field(
        default=1_000_000, ge=1000, le=10_000_000, description="of a file's text that are kept; what is more is cut"
    )
    file_pages: int = Field(default=1000, ge=1, le=100_000, description="of a PDF that are read")
    file_unpacked_bytes: int = Field(
        default=200_000_000, ge=1_000_000, description="of a document that is an archive (DOCX, XLSX), once unpacked"
    )
    picture_pixels: int = Field(
        default=50_000_000,
        ge=10_000,
        le=500_000_000,
        description="of a picture; one with more is refused before it is unpacked",
    )
    picture_edge: int = Field(
        default=2048, ge=64, le=8192, description="pixels of a kept picture's longer side; a larger one is made smaller"
    )
    file_folder: Path | None = Field(
        default=None,
        description="where files are kept; without one in the data folder. Processes that share a database share it, too",
    )
    file_bucket: str | None = Field(
        default=None,
        min_length=1,
        description="a bucket of an object store that speaks S3's protocol, in place of the folder; needs `frontdesk[s3]`",
    )
    file_bucket_url: str | None = Field(
        default=None, description="the address of the store; without one it is Amazon's of the region"
    )
    file_bucket_region: str = Field(default="us-east-1", description="the region of the bucket")
    file_bucket_prefix: str = Field(default="frontdesk", description="begins the names of all files in the bucket")
    file_bucket_key_id: SecretStr | None = Field(
        default=None, description="the id of the key to the bucket; without one the machine's own role counts"
    )
    file_bucket_secret: SecretStr | None = Field(default=None, description="that key")
