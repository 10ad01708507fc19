"""Kinds of models: what a spec means, where it is asked, whose key it gets, and what is said at start of what is missing."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.each import each
from support.http import Connection, Request, listen
from support.replies import ask
from support.saying import ANSWER, answer

from agent.assistant.definition import Assistant, Limits
from agent.assistant.kinds import KINDS, read_spec
from agent.assistant.models import ModelDefinition
from agent.errors import ConfigurationError, ModelUnavailableError
from agent.models.catalog import Catalog
from api.settings import Settings
from demo import DemoChatModel

KEY = "SECRET-KEY-OF-A-PROVIDER"
VARIABLES = [name for kind in KINDS.values() for name in (*kind.key_variables, kind.url_variable or "")]


class Server:
    """Answers each request the same; keeps them."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[Request] = []

    async def handle(self, request: Request, connection: Connection) -> None:
        self.requests.append(request)
        await connection.respond(200, answer(), headers={"Content-Type": "text/event-stream"})


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    async with listen(server.handle) as server.url:
        yield server


@pytest.fixture
async def catalog(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Catalog]:
    for name in filter(None, VARIABLES):
        monkeypatch.delenv(name, raising=False)
    made = Catalog(Settings(_env_file=None), offline={"demo": DemoChatModel})
    yield made
    await made.close()


def assistant(**model: object) -> Assistant:
    return Assistant.model_validate({"name": "Desk", "persona": "You help.", "models": [model]})


async def asked(catalog: Catalog, server: Server, **model: object) -> Request:
    """Return the request that a model's server gets."""
    definition = assistant(**model)
    catalog.check(definition)
    heard = await ask(catalog.open(definition.models[0], Limits()))
    assert heard.reply.text == ANSWER
    return server.requests[-1]


@each(
    ("spec", "kind", "name"),
    [
        ("openai:gpt-4o-mini", "openai", "gpt-4o-mini"),
        ("ollama:qwen3:8b", "ollama", "qwen3:8b"),
        ("bedrock:eu.anthropic.claude-v1:0", "bedrock", "eu.anthropic.claude-v1:0"),
        ("azure:Gpt", "azure", "Gpt"),
        ("langchain_deepseek:ChatDeepSeek", "class", "ChatDeepSeek"),
        ("vendor.models:_Own", "class", "_Own"),
        ("mistal:large", None, None),
        ("google:", None, None),
        ("google: ", None, None),
        ("gpt-4o", None, None),
        ("vendor models:Own", None, None),
        ("vendor:Own.Inner", None, None),
    ],
)
def test_a_spec_is_a_kind_and_a_name_or_a_module_and_a_class(spec: str, kind: str | None, name: str | None) -> None:
    """G434: a kind wins; a class begins with a capital letter, so a slip in a kind is told as one."""
    meant = read_spec(spec)
    assert (meant and meant.kind.name, meant and meant.name) == (kind, name)


async def test_azure_is_asked_for_its_deployment_with_its_version_and_its_own_header(
    catalog: Catalog, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G433: a key in `Authorization` would be taken for a token of a user."""
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", server.url)
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    request = await asked(catalog, server, spec="azure:our gpt", parameters={"temperature": 0})
    assert request.path == "/openai/deployments/our%20gpt/chat/completions?api-version=2024-10-21"
    assert request.headers["api-key"] == KEY
    assert "authorization" not in request.headers
    request = await asked(catalog, server, spec="azure:our gpt", parameters={"api_version": "2025-01-01-preview"})
    assert request.path.endswith("?api-version=2025-01-01-preview")
    assert "api_version" not in request.json
    request = await asked(
        catalog, server, spec="azure:gpt", base_url=f"{server.url}/openai/v1/", api_key_env="AZURE_OPENAI_API_KEY"
    )
    assert request.path == "/openai/v1/chat/completions"
    assert (request.headers["api-key"], request.json["model"]) == (KEY, "gpt")


@pytest.mark.parametrize(
    ("kind", "variable", "url"),
    [
        ("mistral", "MISTRAL_API_KEY", "https://api.mistral.ai/v1"),
        ("perplexity", "PERPLEXITY_API_KEY", "https://api.perplexity.ai"),
        ("google", "GEMINI_API_KEY", "https://generativelanguage.googleapis.com"),
        ("anthropic", "ANTHROPIC_API_KEY", "https://api.anthropic.com"),
    ],
)
async def test_the_key_of_a_kind_goes_to_its_provider_and_to_no_other_server(
    catalog: Catalog, server: Server, monkeypatch: pytest.MonkeyPatch, kind: str, variable: str, url: str
) -> None:
    """G433: another server gets the key that the definition names for it."""
    monkeypatch.setenv(variable, KEY)
    own = ModelDefinition(spec=f"{kind}:large")
    where, key = catalog.whereabouts(own)
    assert (where, key and key.get_secret_value()) == (url, KEY)
    elsewhere = own.model_copy(update={"base_url": server.url})
    assert catalog.whereabouts(elsewhere) == (server.url, None)
    if KINDS[kind].package is None:
        request = await asked(catalog, server, spec=own.spec, base_url=server.url)
        assert not any(KEY in value for value in request.headers.values())


async def test_a_key_is_read_from_env_file_too_and_without_the_end_of_its_line(
    catalog: Catalog, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G493: that of a kind, and one that a definition names."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(f'MISTRAL_API_KEY="{KEY}\\n"\nOWN_KEY={KEY}\n')
    _, key = catalog.whereabouts(ModelDefinition(spec="mistral:large"))
    assert key is not None
    assert key.get_secret_value() == KEY
    request = await asked(catalog, server, spec="openai:small", base_url=server.url, api_key_env="OWN_KEY")
    assert request.headers["authorization"] == f"Bearer {KEY}"


async def test_perplexity_gets_no_tools_where_the_definition_does_not_know_better(
    catalog: Catalog, server: Server
) -> None:
    """G430: it refuses them."""
    for abilities, wanted in (({}, False), ({"usage": False}, False), ({"tools": True}, True)):
        definition = assistant(spec="perplexity:sonar", base_url=server.url, abilities=abilities)
        model = catalog.open(definition.models[0], Limits())
        tool = {"type": "function", "function": {"name": "f", "description": "", "parameters": {"type": "object"}}}
        await ask(model.bind_tools([tool]))
        assert ("tools" in server.requests[-1].json) is wanted


@pytest.mark.parametrize(
    ("spec", "extra"),
    [
        ("anthropic:claude-sonnet-4-5", "anthropic"),
        ("bedrock:eu.amazon.nova-lite-v1:0", "bedrock"),
        ("google:gemini-3-pro", "google"),
        ("ollama:qwen3", "ollama"),
        ("vertex:gemini-3-pro", "vertex"),
    ],
)
async def test_a_package_that_is_missing_is_told_at_start_with_how_to_get_it(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, spec: str, extra: str
) -> None:
    """G434: these packages are none of ours."""
    for variable in KINDS[spec.partition(":")[0]].key_variables:
        monkeypatch.setenv(variable, KEY)
    with pytest.raises(ConfigurationError) as refused:
        catalog.check(assistant(spec=spec))
    assert (
        str(refused.value)
        == f"model {spec} needs the extra: pip install 'frontdesk[{extra}]', or scripts/setup models in a checkout"
    )


@pytest.mark.parametrize(
    ("spec", "needs"),
    [
        ("azure:gpt", "AZURE_OPENAI_API_KEY and AZURE_OPENAI_ENDPOINT"),
        ("google:gemini-3-pro", "GOOGLE_API_KEY or GEMINI_API_KEY"),
        ("mistral:large", "MISTRAL_API_KEY"),
    ],
)
async def test_a_key_that_is_missing_is_told_at_start(catalog: Catalog, spec: str, needs: str) -> None:
    """G434"""
    with pytest.raises(ConfigurationError, match=f"^{spec} needs {needs}$"):
        catalog.check(assistant(spec=spec))


async def test_any_chat_model_of_langchain_answers_by_its_class(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G434: with the parameters of its own, and tried by us alone."""
    monkeypatch.setenv("KEY_OF_PARROT", KEY)
    definition = assistant(
        spec="support.chat_models:Parrot",
        parameters={"words": "There are 42 orders."},
        base_url="http://127.0.0.1:9",
        api_key_env="KEY_OF_PARROT",
    )
    catalog.check(definition)
    model = catalog.open(definition.models[0], Limits())
    tool = {"type": "function", "function": {"name": "f", "description": "", "parameters": {"type": "object"}}}
    assert (await ask(model.bind_tools([tool]))).reply.text == "There are 42 orders. ", "of tools it knows nothing"
    inner = model.inner  # type: ignore[attr-defined]
    assert (inner.max_retries, inner.base_url, inner.api_key.get_secret_value()) == (0, "http://127.0.0.1:9", KEY)


async def test_what_a_class_raises_is_an_error_of_the_run_without_its_words(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """G432: they may hold the key."""
    monkeypatch.setenv("KEY_OF_PARROT", KEY)
    model = assistant(
        spec="support.chat_models:Parrot", parameters={"words": "broken"}, api_key_env="KEY_OF_PARROT"
    ).models[0]
    with pytest.raises(ModelUnavailableError) as failed:
        await ask(catalog.open(model, Limits()), model_retries=0)
    error = failed.value
    assert KEY not in f"{error!r} {error} {error.__cause__!r} {error.__context__!r}" + "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("support.chat_models:NoModel", "NoModel is no chat model of LangChain"),
        ("support.chat_models:Nobody", "Nobody is no chat model of LangChain"),
        ("mistal:Large", "mistal is neither a kind of model nor a module here"),
        ("support.chat_models:Parrot", "words: Field required"),
    ],
)
async def test_a_class_that_is_none_is_told_at_start(catalog: Catalog, spec: str, says: str) -> None:
    """G434"""
    with pytest.raises(ConfigurationError, match=says):
        catalog.check(assistant(spec=spec))


def test_a_model_may_be_named_in_the_parameters_of_a_class_and_nowhere_else() -> None:
    """G434: no other field names it."""
    assert ModelDefinition(spec="langchain_deepseek:ChatDeepSeek", parameters={"model": "deepseek-chat"})
    with pytest.raises(ValueError, match="Frontdesk's own field"):
        ModelDefinition(spec="anthropic:claude", parameters={"model": "another"})
