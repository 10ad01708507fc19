"""The models of servers that speak OpenAI's protocol, by their kinds: OpenAI, Azure, Mistral, Perplexity, any other."""

from urllib.parse import quote

import aiohttp
from httpx2 import Timeout
from pydantic import SecretStr

from agent.assistant.kinds import read_spec
from agent.assistant.models import ModelAbilities, ModelDefinition
from agent.http import open_blocking_client, open_client, proxy_for
from agent.models.openai import OpenAICompatibleModel

OPENAI_URL = "https://api.openai.com/v1"
AZURE_VERSION = "2024-10-21"
"""Of Azure's protocol, where the definition's parameters have no `api_version`: the newest one that is not a preview."""


def open_model(
    definition: ModelDefinition,
    *,
    api_key: SecretStr | None,
    base_url: str | None,
    session: aiohttp.ClientSession,
    connect_timeout_s: float,
) -> OpenAICompatibleModel:
    """Return a model of an OpenAI-compatible server; without `base_url` it is OpenAI's own.

    Servers that want no key get a placeholder, because the client insists on one.
    """
    key = api_key or SecretStr("none")
    meant = read_spec(definition.spec)
    assert meant is not None
    query: dict[str, str] = {}
    url, parameters = base_url, dict(definition.parameters)
    if is_azure := meant.kind.name == "azure":
        url, query = _azure(str(base_url), meant.name, str(parameters.pop("api_version", AZURE_VERSION)))
    model = OpenAICompatibleModel(
        model=meant.name,
        provider=meant.kind.provider,
        api_key=key,
        base_url=url,
        default_query=query or None,
        key_header="api-key" if is_azure else "Authorization",
        keeps_empty_properties=is_azure or base_url is None,
        session=session,
        connect_timeout_s=connect_timeout_s,
        proxy=proxy_for(base_url or OPENAI_URL),
        # LangChain's own ones are asked nothing here; its defaults would be shared, and keep cookies.
        http_client=open_blocking_client(timeout=Timeout(connect_timeout_s)),
        http_async_client=open_client(timeout=Timeout(connect_timeout_s)),
        openai_proxy=None,
        max_retries=0,
        stream_usage=True,
        use_responses_api=False,
        default_headers=definition.headers or None,
        extra_body=definition.extra_body or None,
        parameters=parameters,
        abilities=_abilities(definition, meant.kind.name),
    )
    model.hide(key.get_secret_value())
    return model


def _azure(resource: str, deployment: str, version: str) -> tuple[str, dict[str, str]]:
    """Return where a deployment of Azure's is asked, and the version in the query: its address of version 1 needs neither."""
    url = resource.rstrip("/")
    if url.endswith("/openai/v1"):
        return url, {}
    return f"{url}/openai/deployments/{quote(deployment, safe='')}", {"api-version": version}


def _abilities(definition: ModelDefinition, kind: str) -> ModelAbilities:
    """Return what a server can do: Perplexity's takes no tools, where the definition does not know better."""
    if kind == "perplexity" and "tools" not in definition.abilities.model_fields_set:
        return definition.abilities.model_copy(update={"tools": False})
    return definition.abilities
