"""The models that a package of their own speaks with: opened at start, so that what is missing or wrong is told then.

Where its package lets us, a model gets an HTTP client of ours: no cookies, no redirects, the environment's proxy. The package
itself tries nothing again. A model's key is given to it by name, so that no variable of the environment stands in for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from httpx2 import Timeout
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk
from langchain_core.messages.ai import UsageMetadata
from pydantic import SecretStr, ValidationError

from agent.assistant.kinds import CLASS, Spec
from agent.assistant.models import ModelDefinition
from agent.errors import ConfigurationError
from agent.http import NoCookies, certificates, open_client, proxy_for
from agent.models.integrated import IntegratedModel
from agent.models.manners import ANY, MANNERS

NO_KEY = "none"
"""The key that a package is given that insists on one, where its server wants none."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The values that a model is opened with. `url` and `key` are None where its package knows, or none is needed."""

    definition: ModelDefinition
    spec: Spec
    url: str | None
    key: SecretStr | None
    connect_timeout_s: float

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def timeout(self) -> Timeout:
        """How long is waited for a connection; how long for the answer is the caller's to say."""
        return Timeout(None, connect=self.connect_timeout_s)


def load_package(spec: Spec, label: str) -> Any:
    """Import what speaks with a kind. It takes seconds, and is done at start.

    Raises:
        ConfigurationError: it is not there, or is of no use.
    """
    kind = spec.kind
    assert kind.package is not None
    try:
        return import_module(kind.package)
    except ModuleNotFoundError as exc:
        if kind.name != CLASS:
            raise ConfigurationError(
                f"model {label} needs the extra: pip install 'frontdesk[{kind.extra}]', or scripts/setup models in a checkout"
            ) from exc
        raise ConfigurationError(f"model {label}: {kind.package} is neither a kind of model nor a module here") from exc
    except Exception as exc:  # a package of others: whatever it raises while it is loaded stops the start in one line
        raise ConfigurationError(f"model {label}: {kind.package} cannot be imported ({type(exc).__name__})") from exc


def open_native(wanted: Wanted) -> IntegratedModel:
    """Return the model of a kind that a package speaks with.

    Raises:
        ConfigurationError: the package is missing, or what the definition says is nothing that it takes.
    """
    definition, kind = wanted.definition, wanted.spec.kind
    package = load_package(wanted.spec, definition.label)
    try:
        inner = OPENERS[kind.name](package, wanted)
    except ConfigurationError:
        raise
    except ValidationError as exc:
        wrong = "; ".join(
            f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in exc.errors(include_input=False)[:3]
        )
        raise ConfigurationError(f"model {definition.label}: {wrong}") from None
    except Exception as exc:  # noqa: BLE001 (a package of others, and its words may hold the key)
        raise ConfigurationError(f"model {definition.label} cannot be opened ({type(exc).__name__})") from None
    abilities = definition.abilities
    if type(inner).bind_tools is BaseChatModel.bind_tools:  # it knows of none
        abilities = abilities.model_copy(update={"tools": False})
    model = IntegratedModel(
        inner=inner,
        provider=kind.provider,
        model_name=wanted.name,
        manner=MANNERS.get(kind.name, ANY),
        abilities=abilities,
    )
    if wanted.key is not None:
        model.hide(wanted.key.get_secret_value())
    return model


def _anthropic(package: Any, wanted: Wanted) -> BaseChatModel:
    base = package.ChatAnthropic

    class Anthropic(base):  # type: ignore[misc, valid-type]
        def _make_message_chunk_from_anthropic_event(self, event: Any, **kwargs: Any) -> Any:
            """Count what the first event says, too: gateways say of the input there and nowhere else."""
            chunk, begun = super()._make_message_chunk_from_anthropic_event(event, **kwargs)
            if event.type == "message_start" and isinstance(chunk, AIMessageChunk):
                chunk.usage_metadata = _input_of(getattr(event.message, "usage", None))
            return chunk, begun

    definition, key = wanted.definition, wanted.key or SecretStr(NO_KEY)
    url = str(wanted.url)
    model = Anthropic(
        **{
            "model": wanted.name,
            "api_key": key,
            "base_url": url,
            "max_retries": 0,
            "default_headers": definition.headers or None,
            "model_kwargs": {"extra_body": definition.extra_body} if definition.extra_body else {},
            **definition.parameters,
        }
    )
    sdk = import_module("anthropic")
    model.__dict__["_async_client"] = sdk.AsyncAnthropic(  # in place of the property's, which would follow redirects
        api_key=key.get_secret_value(),
        base_url=url,
        max_retries=0,
        timeout=wanted.timeout,
        default_headers=definition.headers or None,
        http_client=open_client(timeout=wanted.timeout, proxy=proxy_for(url), connections=None),
    )
    return model


def _input_of(usage: Any) -> UsageMetadata | None:
    names = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    counted = [getattr(usage, name, None) for name in names]
    tokens = sum(one for one in counted if isinstance(one, int))
    return UsageMetadata(input_tokens=tokens, output_tokens=0, total_tokens=tokens) if tokens else None


def _google(package: Any, wanted: Wanted) -> BaseChatModel:
    return _gemini(package, wanted, {"api_key": wanted.key or SecretStr(NO_KEY), "vertexai": False})


def _vertex(package: Any, wanted: Wanted) -> BaseChatModel:
    """Return a model of Vertex AI. Without a key it is asked as the machine's own account (`GOOGLE_APPLICATION_CREDENTIALS`)."""
    return _gemini(package, wanted, {"vertexai": True, **({"api_key": wanted.key} if wanted.key else {})})


def _gemini(package: Any, wanted: Wanted, told: dict[str, Any]) -> BaseChatModel:
    definition = wanted.definition
    model = package.ChatGoogleGenerativeAI(
        **{
            "model": wanted.name,
            "base_url": wanted.url,
            "max_retries": 1,
            "additional_headers": definition.headers or None,
            **told,
            **definition.parameters,
        }
    )
    options = model.client._api_client._http_options
    sdk = import_module("google.genai")
    given: dict[str, Any] = {"api_key": wanted.key.get_secret_value()} if wanted.key else {}
    if told["vertexai"]:
        where = {name: getattr(model, name) for name in ("project", "location", "credentials")}
        given = {"vertexai": True, **(given or where)}
    elif not given:
        given = {"api_key": NO_KEY}
    client = open_client(timeout=wanted.timeout, proxy=proxy_for(str(options.base_url)), connections=None)
    model.client = sdk.Client(  # with a client of ours in place of its own, which would follow redirects
        **given,
        http_options={
            "base_url": options.base_url,
            "api_version": options.api_version,
            "headers": definition.headers or None,
            "httpx_async_client": client,
        },
    )
    return model  # type: ignore[no-any-return]


def _ollama(package: Any, wanted: Wanted) -> BaseChatModel:
    definition = wanted.definition
    url = str(wanted.url)
    headers = {"authorization": f"Bearer {wanted.key.get_secret_value()}"} if wanted.key else {}
    client = {
        "headers": {**headers, **definition.headers},
        "follow_redirects": False,
        "timeout": wanted.connect_timeout_s,
        "trust_env": False,
        "verify": certificates(),
        "cookies": NoCookies(),
    }
    httpx = import_module("httpx")
    patient = httpx.Timeout(None, connect=wanted.connect_timeout_s)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
    model = package.ChatOllama(
        **{
            "model": wanted.name,
            "base_url": url,
            "client_kwargs": client,
            "async_client_kwargs": {"timeout": patient, "proxy": proxy_for(url), "limits": limits},
            **definition.parameters,
        }
    )
    if not wanted.key:
        model._async_client._client.headers.pop("authorization", None)  # OLLAMA_API_KEY, which is for another server
    return model  # type: ignore[no-any-return]


def _bedrock(package: Any, wanted: Wanted) -> BaseChatModel:
    """Return a model of Bedrock. Without a key it is asked as the machine's own account, which AWS's tools look up."""
    definition = wanted.definition
    config = import_module("botocore.config").Config(
        connect_timeout=wanted.connect_timeout_s,
        retries={"total_max_attempts": 1},
        max_pool_connections=50,
    )
    return package.ChatBedrockConverse(  # type: ignore[no-any-return]
        **{
            "model": wanted.name,
            "base_url": wanted.url,
            "config": config,
            **({"api_key": wanted.key} if wanted.key else {}),
            **({"additional_model_request_fields": definition.extra_body} if definition.extra_body else {}),
            **definition.parameters,
        }
    )


def _class(package: Any, wanted: Wanted) -> BaseChatModel:
    """Return a model of a class that the definition names, with its parameters as they are called there."""
    definition = wanted.definition
    found = getattr(package, wanted.name, None)
    if not (isinstance(found, type) and issubclass(found, BaseChatModel)):
        raise ConfigurationError(f"model {definition.label}: {wanted.name} is no chat model of LangChain")
    told: dict[str, Any] = {"api_key": wanted.key, "base_url": wanted.url, "default_headers": definition.headers}
    fields = set(found.model_fields) | {field.alias for field in found.model_fields.values()}
    quiet = {"max_retries": 0} if "max_retries" in fields else {}
    return found(**quiet, **{name: value for name, value in told.items() if value} | definition.parameters)


OPENERS: dict[str, Callable[[Any, Wanted], BaseChatModel]] = {
    "anthropic": _anthropic,
    "google": _google,
    "vertex": _vertex,
    "ollama": _ollama,
    "bedrock": _bedrock,
    CLASS: _class,
}
