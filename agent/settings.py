"""Settings of the runtime: where it keeps things, its models, its leases and limits. `api/settings.py` adds the server's.

All are read from the environment and from `.env`, once, at start. Names begin with `FRONTDESK_`.
"""

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from dotenv import dotenv_values
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from agent.store.limits import Limits

if TYPE_CHECKING:
    from agent.store.database import Store


Days = Annotated[int, Field(ge=1, le=36_500)] | None
"""None is for ever."""


def read_variable(name: str) -> str | None:
    """Return a variable that a definition names, or a kind of model, of the environment or of `.env`, without white space around it.

    An empty one is none, as for every setting.
    """
    in_file = EnvironmentSettings.model_config["env_file"]
    said = os.environ.get(name) or dotenv_values(str(in_file)).get(name) or ""
    return said.strip() or None


class EnvironmentSettings(BaseSettings):
    """The way in which settings are read, whichever they are."""

    model_config = SettingsConfigDict(
        env_prefix="FRONTDESK_",
        env_file=".env",
        env_ignore_empty=True,  # as `${X:-}` in a compose file gives it; an empty secret must never count as one
        extra="ignore",
        allow_inf_nan=False,
        frozen=True,
        populate_by_name=True,
    )


class Keep(BaseModel):
    """For how many days a tenant's things of each kind are kept. What is not named is kept as it is for everybody."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    conversations: Days = None
    feedback: Days = None
    memories: Days = None
    files: Days = None
    audit: Days = None


class RuntimeSettings(EnvironmentSettings):
    """Settings of the runtime itself. Unset, it keeps everything in SQLite."""

    data: Path = Field(default=Path("data"), description="folder for SQLite files and the generated secret")
    database_url: SecretStr | None = Field(default=None, description="sqlite+aiosqlite:// or postgresql+psycopg://")
    database_upkeep_url: SecretStr | None = Field(
        default=None,
        description="the same PostgreSQL database as the role that owns its tables; the other one sees a tenant at a time then",
    )
    database_pooled: bool = Field(
        default=False, description="whether PostgreSQL is behind a pooler that lends a connection for a transaction"
    )
    database_pool_size: int = Field(default=5, ge=1, le=100, description="connections; streams hold none")
    database_connect_timeout_s: float = Field(default=5.0, gt=0, description="a new connection to the database")
    database_checkout_timeout_s: float = Field(default=5.0, gt=0, description="waiting for a free connection")
    database_silence_timeout_s: float = Field(
        default=10.0, gt=0, description="PostgreSQL: a peer that acknowledges nothing for so long is gone"
    )
    database_statement_timeout_s: float = Field(default=15.0, gt=0, description="one statement, its locks included")
    database_transaction_timeout_s: float = Field(
        default=20.0, gt=0, description="a whole transaction, from waiting for its turn to the end of its commit"
    )
    database_upkeep_timeout_s: float = Field(
        default=2.0, gt=0, description="the same, of the transactions that renew leases and take runs over"
    )
    wal_bytes: int = Field(
        default=64 * 1024 * 1024,
        ge=4 * 1024 * 1024,
        description="SQLite: a longer log of writes is cut as soon as it can be",
    )
    purge_rows: int = Field(default=200, ge=1, le=500, description="rows of a deleted conversation removed at once")
    purge_every_s: float = Field(default=0.5, gt=0, description="how often deleted conversations are looked for")
    retention: dict[str, Keep] = Field(
        default={},
        description='days that tenants\' things are kept, `"*"` for all others: `{"*": {"conversations": 365}, "acme": {"feedback": 30, "audit": 90}}`; '
        "of a conversation since the last message, of `memories` since the last change, of `files` since they came; `null` is for ever, as is what is not named",
    )
    retention_every_s: float = Field(default=60.0, gt=0, description="how often what is kept no longer is looked for")
    seal_every_s: float = Field(
        default=1.0, gt=0, description="how often rows of the record are sealed: those of each second, once it is over"
    )
    budget_currency: str = Field(
        default="USD",
        pattern=r"^[A-Z]{3}$",
        examples=["EUR"],
        description="of all costs in budgets; a price in another one counts as none",
    )
    model: str | None = Field(default=None, description="a spec that comes before the assistant's own")
    model_failures: int = Field(
        default=5,
        ge=1,
        description="of an assistant with a `fallback`: so many requests to a model failed within `FRONTDESK_MODEL_FAILURES_S`, and half of all; then it is down",
    )
    model_failures_s: float = Field(default=60.0, gt=0, description="how long a failure of a model counts")
    model_pause_s: float = Field(
        default=15.0, gt=0, description="how long a model that is down is left alone before one request looks"
    )
    openai_api_key: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("OPENAI_API_KEY", "openai_api_key"),
        description="for openai: models",
    )
    openai_base_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("OPENAI_BASE_URL", "openai_base_url"),
        description="any server that speaks OpenAI's protocol",
    )
    tracing: bool = Field(
        default=False,
        description="send every tenant's words to the LangSmith that LANGSMITH_* names; without it that is off whatever they say",
    )
    context_bytes: int = Field(
        default=16_000_000,
        ge=0,
        description="memory for what turns are told beforehand; a quarter of it for one tenant. With a Redis it is there",
    )
    log_keep_s: float = Field(default=900.0, gt=0, description="how long an ended run can be replayed from its log")
    log_keep_bytes: int = Field(
        default=256_000_000,
        ge=0,
        description="memory for logs of ended runs; past it the oldest go, and the transcript serves",
    )
    log_keep_bytes_per_tenant: int | None = Field(
        default=None, ge=0, description="of these, for one tenant; without a number a quarter"
    )
    redis_url: SecretStr | None = Field(
        default=None,
        description="redis://, redis+sentinel:// or redis+cluster:// (rediss… for TLS), for several processes on one database",
    )
    redis_prefix: str = Field(
        default="frontdesk",
        pattern=r"^[A-Za-z0-9_.-]{1,64}$",
        examples=["frontdesk-2"],
        description="begins every key and channel; installations that share a server have different ones",
    )
    redis_timeout_s: float = Field(
        default=1.0, gt=0, le=10, description="one request to Redis; what takes longer counts as away"
    )
    redis_window_s: float = Field(
        default=0.025, ge=0, le=1, description="how long text waits for more before it goes to Redis"
    )
    redis_window_events: int = Field(default=32, ge=1, le=256, description="so many events of a run do not wait")
    redis_max_events: int = Field(
        default=10_000,
        ge=100,
        description="of one attempt at a run, kept in Redis; who is further behind gets a snapshot",
    )
    redis_silence_s: float = Field(
        default=5.0, gt=0, description="a run of which nothing is heard is looked up in Redis this often"
    )
    execute: bool = Field(
        default=True,
        description="whether this process works on the runs that it takes; off, as `serve --no-execute`, it hands them to others",
    )
    handover_key: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="seals the tokens of runs that one process hands to another; without it none does (`openssl rand -base64 48`)",
    )
    handover_other_key: SecretStr | None = Field(
        default=None, min_length=32, description="opens what others seal with it, while one key takes the other's place"
    )
    max_runs: int = Field(default=200, ge=1, description="runs at work at once in this process")
    max_runs_per_tenant: int = Field(
        default=50, ge=1, description="runs of one tenant at work at once, over all processes that share a Redis"
    )
    max_runs_per_user: int = Field(default=5, ge=1, description="of these, runs of one user; visitors are no users")
    max_summaries: int = Field(
        default=8,
        ge=1,
        description="of long conversations, made at once in this process; others are left to their next turns",
    )
    max_queued_runs: int = Field(default=1000, ge=0, description="runs that wait; beyond it 503 overloaded")
    max_queued_per_tenant: int | None = Field(
        default=None, ge=1, description="of these, one tenant's; beyond it 429; without a number a tenth of the queue"
    )
    max_queued_per_user: int = Field(default=20, ge=1, description="of these, one user's; beyond it 429 rate_limited")
    max_queued_per_conversation: int = Field(
        default=10, ge=1, description="of these, one conversation's; beyond it 429"
    )
    max_attempts: int = Field(default=3, ge=1, description="attempts at a run, takeovers among them")
    lease_s: float = Field(default=6.0, gt=0, description="a worker's right to its runs, unless renewed")
    renew_every_s: float = Field(
        default=1.5, gt=0, description="how often it is; twice that without, and it is not ready"
    )
    lease_lost_after_s: float = Field(
        default=5.0, gt=0, description="without renewal a worker begins no write any more"
    )
    reap_every_s: float = Field(default=0.5, gt=0, description="how often abandoned runs are looked for")
    auth_wait_s: float = Field(default=60.0, ge=0, description="how long a run waits for a fresh token")
    recovery_wait_s: float = Field(default=12.0, ge=0, description="how long a reader waits for a takeover")
    idempotency_keep_s: float = Field(default=86_400.0, gt=0, description="how long an Idempotency-Key is remembered")
    search_connections: int = Field(
        default=2, ge=1, le=20, description="connections for all searches; one tenant leaves one to the others"
    )
    search_timeout_s: float = Field(default=3.0, gt=0, description="the time of a search, waiting included")
    max_queued_searches_per_user: int = Field(
        default=10, ge=1, description="searches of one user that wait; beyond it 429 rate_limited"
    )
    search_index_every_s: float = Field(default=0.5, gt=0, description="how often search learns of what is new")
    shutdown_grace_s: float = Field(
        default=10.0,
        ge=0,
        description="how long runs may go on after SIGTERM or SIGHUP, and idle connections stay where a process makes way",
    )

    @field_validator("openai_api_key", mode="before")
    @classmethod
    def _no_blank_key(cls, value: object) -> object:
        """Take white space alone for no key, and leave it out around one, as a file's end of line: it would be sent, and refused."""
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        return text.strip() or None if isinstance(text, str) else value

    @cached_property
    def database(self) -> str:
        """Return the database's URL; without one it is a SQLite file in the data folder."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite+aiosqlite:///{self.data.absolute() / 'frontdesk.db'}"

    def open_store(self, *, pool_size: int | None = None, limits: Limits | None = None) -> "Store":
        """Return the database. It is not asked for anything yet.

        Raises:
            ConfigurationError: a URL cannot be used.
        """
        from agent.store.database import Store  # some commands need no database, and no time for it

        return Store(
            self.database,
            pool_size=pool_size or self.database_pool_size,
            limits=limits or self.database_limits,
            search_connections=self.search_connections,
            upkeep_url=self.database_upkeep_url.get_secret_value() if self.database_upkeep_url else None,
            is_pooled=self.database_pooled,
        )

    @cached_property
    def database_limits(self) -> Limits:
        """Return how long the database may take."""
        return Limits(
            connect_s=self.database_connect_timeout_s,
            checkout_s=self.database_checkout_timeout_s,
            silence_s=self.database_silence_timeout_s,
            statement_s=self.database_statement_timeout_s,
            transaction_s=self.database_transaction_timeout_s,
            upkeep_s=self.database_upkeep_timeout_s,
            search_s=self.search_timeout_s,
        )

    @cached_property
    def database_file(self) -> Path | None:
        """Return the file of a SQLite database; None where it is none."""
        scheme, _, path = self.database.partition(":///")
        name = path.partition("?")[0]
        return Path(name) if scheme.startswith("sqlite") and name and name != ":memory:" else None
