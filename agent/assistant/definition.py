"""The Assistant: what answers. A YAML file becomes one frozen value; a tenant may override parts of it.

The file is checked whole when the server starts; nothing of it is looked at again while requests run, except that
`for_tenant` picks the tenant's version.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from agent.assistant.approvals import Approvals
from agent.assistant.audit import Audit
from agent.assistant.backends import DEFAULT_BACKEND, BackendDefinition
from agent.assistant.backends import NAME as BACKEND_NAME
from agent.assistant.budgets import Budgets
from agent.assistant.context import Context
from agent.assistant.fallback import FallbackOrNone, check_named
from agent.assistant.files import FilesOrNone
from agent.assistant.history import History as History
from agent.assistant.memory import MemoryOrNone
from agent.assistant.mistakes import told
from agent.assistant.model import Definition, Role, TenantId, ToolWords
from agent.assistant.models import Models
from agent.assistant.pages import PageTools
from agent.assistant.roles import OF_USERS, roles_named
from agent.assistant.selection import Selection
from agent.assistant.suggestions import Starters, Suggestions
from agent.assistant.toolsets import Toolsets
from agent.assistant.voice import VoiceOrNone
from agent.assistant.written import read_yaml
from agent.errors import ConfigurationError
from agent.region import Locale, Region, TimeZone

NAME = 80
PLACEHOLDER = re.compile(r"\{\w+\}")
"""The placeholder of an id in a value of an action."""


class ActionDefinition(ToolWords):
    """Something the page can do. `values` are the only ones allowed; `{name}` in one stands for an id."""

    description: str = Field(min_length=1)
    values: dict[str, str] = Field(min_length=1, description="value -> what it means, in words a user may use")
    expects_result: bool = Field(default=False, description="whether the page says that it did it; the run waits")
    timeout_s: float = Field(default=15.0, ge=1, le=3600, description="for the page to say so")

    @model_validator(mode="after")
    def _braces_hold_names(self) -> Self:
        for value in self.values:
            if re.search(r"[{}]", PLACEHOLDER.sub("", value)):
                raise ValueError(f"values: {value!r}: a brace opens and closes around a name, like {{id}}")
        return self


class Limits(Definition):
    """The limits of one run. Times in seconds."""

    steps: int = Field(default=10, ge=1, le=100)
    deadline_s: float = Field(default=300.0, gt=0)
    tool_timeout_s: float = Field(default=30.0, gt=0)
    toolset_timeout_s: float = Field(default=5.0, gt=0, description="for a toolset to say which tools there are")
    calls_per_step: int = Field(
        default=128, ge=1, le=128, description="tool calls; the model hears that more were not made"
    )
    tool_result_bytes: int = Field(default=32 * 1024, ge=256)
    context_bytes: int = Field(
        default=16 * 1024, ge=64, description="of all entries of `context`; those that have no room are left out"
    )
    answer_characters: int = Field(default=200_000, ge=100)
    step_extras_bytes: int = Field(
        default=256 * 1024, ge=1024, description="what a provider wants to see again of a step: signatures, reasoning"
    )
    connect_timeout_s: float = Field(default=10.0, gt=0)
    first_token_timeout_s: float = Field(default=60.0, gt=0)
    between_tokens_timeout_s: float = Field(default=30.0, gt=0)
    working_timeout_s: float = Field(
        default=240.0, gt=0, description="without a token, from a provider that says that it is at work"
    )
    model_retries: int = Field(default=2, ge=0, le=10, description="before the first token only")
    sources: int = Field(default=20, ge=0, le=100, description="that an answer cites; those beyond are left out")
    lanes: int = Field(default=4, ge=1, le=4, description="models that may answer a message side by side; 1: no two do")


class Public(Definition):
    """The answer that visitors without a token get on `/chat/public`: one without tools. Without this part it is not there.

    Limits are written like `10/minute`.
    """

    models: tuple[str, ...] = Field(min_length=1, description="of the assistant's; the first one is the default")
    message_characters: int = Field(default=2000, ge=1, le=32_000, description="the context's included")
    limit: str | None = Field(default=None, description="messages per address; None takes FRONTDESK_PUBLIC_LIMIT")
    installation_limit: str = Field(default="100/minute", description="messages of all visitors together")


class CancelAfter(Definition):
    """Stop a run when nobody has read it for this long."""

    cancel_after_s: float = Field(ge=0)


WhenActive = Literal["enqueue", "reject", "interrupt"]
"""The rule for a message that comes while the conversation's last one is still being answered."""


class Override(Definition):
    """The parts of a definition that a tenant may change. None keeps the assistant's own."""

    name: str | None = Field(default=None, min_length=1, max_length=NAME)
    persona: str | None = Field(default=None, min_length=1)
    greeting: str | None = None
    starters: Starters | None = None
    suggestions: Suggestions | None = None
    time_zone: TimeZone | None = None
    locale: Locale | None = None
    budgets: Budgets | None = None
    models: Models | None = Field(
        default=None,
        min_length=1,
        description="in place of the assistant's; with its own key where `api_key_env` names it",
    )
    voice: VoiceOrNone = Field(default=None, description="in place of the assistant's; false: none")


class Assistant(Definition):
    """The definition of what answers: persona, models, tools, actions, starters, limits."""

    name: str = Field(min_length=1, max_length=NAME)
    persona: str = Field(min_length=1, description="the system prompt")
    greeting: str = ""
    starters: Starters = ()
    models: Models = Field(min_length=1, description="the default first; `demo` only matches words")
    fallback: FallbackOrNone = None
    title: Literal["words", "model"] = "words"
    time_zone: TimeZone | None = Field(default=None, description="where a request names none; None: UTC")
    locale: Locale | None = Field(default=None, description="where a request names none, like de-AT")
    backend: BackendDefinition | None = None
    backends: dict[Annotated[str, Field(pattern=BACKEND_NAME)], BackendDefinition] = Field(
        default={}, description="by name; `backend` is the one named default"
    )
    toolsets: Toolsets = ()
    selection: Selection = Selection()
    actions: dict[str, ActionDefinition] = Field(default={})
    tools: dict[str, ToolWords] = Field(default={}, description="words for tools by name; they win over the tools' own")
    page_tools: PageTools = Field(default={}, description="what the page can do for the model, by name")
    context: Context = Field(default=(), description="what the model is told before each turn")
    memory: MemoryOrNone = Field(
        default=None, description="facts that outlive conversations; None: nothing is remembered"
    )
    voice: VoiceOrNone = Field(default=None, description="speech and dictation; None: neither")
    files: FilesOrNone = Field(default=None, description="files of users and tools; None: none are taken, none given")
    suggestions: Suggestions = Suggestions()
    when_active: WhenActive = "enqueue"
    approvals: Approvals = Approvals()
    audit: Audit = Audit()
    on_disconnect: Literal["continue"] | CancelAfter = "continue"
    history: History = History()
    limits: Limits = Limits()
    budgets: Budgets | None = None
    roles: tuple[Role, ...] | None = Field(
        default=None, min_length=1, description="of tokens; others may not use it. None: whoever has a token may"
    )
    public: Public | None = None
    tenants: dict[TenantId, Override] = Field(default={})

    @model_validator(mode="after")
    def _named_models_are_own(self) -> Self:
        own = {model.label for model in self.models}
        check_named("public.models", self.public.models if self.public else (), own)
        check_named("fallback", self.fallback.names if self.fallback else (), own)
        writer = self.history.summary.model if self.history.summary else None
        check_named("history.summary.model", () if writer is None else (writer,), own)
        return self

    @model_validator(mode="after")
    def _one_default_backend(self) -> Self:
        if self.backend is not None and DEFAULT_BACKEND in self.backends:
            raise ValueError(f"backend is the same as backends.{DEFAULT_BACKEND}: give one of them")
        return self

    @model_validator(mode="after")
    def _visitors_have_no_role(self) -> Self:
        if self.public is not None and self.roles is not None:
            raise ValueError("roles: an assistant that is open to visitors (public) cannot be kept from anybody")
        return self

    @model_validator(mode="after")
    def _parts_are_for_its_roles(self) -> Self:
        if self.roles is None:
            return self
        for place, role in roles_named(self, of=OF_USERS):
            if role not in self.roles:
                raise ValueError(f"{place}: {role!r} is not among roles, so nobody of it uses this assistant")
        return self

    @property
    def all_backends(self) -> dict[str, BackendDefinition]:
        """Every backend by its name."""
        return self.backends if self.backend is None else {DEFAULT_BACKEND: self.backend, **self.backends}

    @property
    def approver_roles(self) -> frozenset[str]:
        """The roles that may be asked in a user's place."""
        own = (tool.approvers or () for toolset in self.toolsets for tool in toolset.tools.values())
        return frozenset(self.approvals.approvers).union(*own)

    @property
    def region(self) -> Region:
        """Where a user is taken to be whose request does not say."""
        return Region(self.time_zone, self.locale)

    @property
    def versions(self) -> Iterator["Assistant"]:
        """Itself, and what each tenant has of it that overrides something."""
        yield self
        yield from (self.for_tenant(tenant_id) for tenant_id in self.tenants)

    def for_tenant(self, tenant_id: str) -> "Assistant":
        """Return the assistant as this tenant has it."""
        return _overridden(self, tenant_id) if tenant_id in self.tenants else self

    def __hash__(self) -> int:
        return id(self)


@lru_cache(maxsize=1024)
def _overridden(assistant: Assistant, tenant_id: str) -> Assistant:
    override = assistant.tenants[tenant_id]
    changes = {name: getattr(override, name) for name in override.model_fields_set}
    return assistant.model_copy(update={name: value for name, value in changes.items() if value is not None})


def load_assistant(path: Path) -> Assistant:
    """Read an assistant from its YAML file.

    Raises:
        ConfigurationError: the file is missing, is no YAML, or does not describe an assistant; the text says where.
    """
    try:
        return Assistant.model_validate(read_yaml(path.read_text("utf-8")))
    except OSError as exc:
        raise ConfigurationError(f"{path}: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise ConfigurationError(f"{path}: not UTF-8: {exc.reason} at byte {exc.start}") from exc
    except yaml.YAMLError as exc:
        problem = " ".join(str(exc).split()).replace(' in "<unicode string>",', " in")
        raise ConfigurationError(f"{path}: not YAML: {problem}") from exc
    except ValidationError as exc:
        raise ConfigurationError(f"{path}: {told(exc, Assistant)}") from exc
