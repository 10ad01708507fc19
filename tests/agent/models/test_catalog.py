"""Spec strings to chat models, and which of them an installation can use."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from support.each import each

from agent.assistant.definition import Assistant, Limits
from agent.assistant.models import ModelDefinition
from agent.errors import ConfigurationError, InvalidRequestError
from agent.models.catalog import Catalog
from api.settings import Settings
from demo import DemoChatModel

BOTH = ("openai:large", "openai:small", "demo")


def assistant(*models: str) -> Assistant:
    return Assistant(name="Desk", persona="You help.", models=models)


def catalog(**settings: Any) -> Catalog:
    return Catalog(Settings(_env_file=None, **settings), offline={"demo": DemoChatModel})


@pytest.fixture(autouse=True)
def _no_provider_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "FRONTDESK_MODEL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def configured() -> AsyncIterator[Catalog]:
    made = catalog(openai_base_url="http://127.0.0.1:9/v1")
    yield made
    await made.close()


def test_without_a_provider_the_demo_model_answers_where_it_is_listed_and_nothing_elsewhere() -> None:
    """G46: nothing stands in for a model."""
    assert catalog().names(assistant(*BOTH)) == ["demo"]
    assert catalog().names(assistant("openai:large")) == []
    assert catalog(model="openai:large").names(assistant("openai:small")) == []


@pytest.mark.parametrize(
    ("model", "models", "named"),
    [
        (None, ("openai:large",), "openai:large"),
        (None, ("openai:large", "openai:small"), "openai:large"),
        ("openai:mine", ("openai:large",), "openai:mine"),
        ("openai:mine", BOTH, "openai:mine"),
        ("openai:mine", ("demo",), "openai:mine"),
    ],
)
def test_a_model_without_its_key_stops_the_start_unless_the_demo_model_is_listed(
    model: str | None, models: tuple[str, ...], named: str
) -> None:
    """G46: and one that the operator has set does so always."""
    with pytest.raises(ConfigurationError, match=f"^{named} needs OPENAI_API_KEY or OPENAI_BASE_URL$"):
        catalog(model=model).check(assistant(*models))


@pytest.mark.parametrize("empty", [{}, {"openai_api_key": ""}])
def test_listed_models_without_a_key_are_skipped_with_one_line_where_the_demo_model_is_listed(
    empty: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    """G46: the operator is told of all of them at once."""
    keyless = catalog(**empty)
    keyless.check(assistant(*BOTH))
    keyless.tell_skipped(assistant(*BOTH))
    [line] = "".join(capfd.readouterr()).splitlines()
    assert "warning" in line
    assert "models_skipped" in line
    assert "openai:large" in line
    assert "openai:small" in line
    catalog(openai_api_key="k").tell_skipped(assistant(*BOTH))
    assert "models_skipped" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("url", ["localhost", "localhost:11434/v1", "ftp://x/v1", "http://", "http://ann:SECRET@x/v1"])
def test_a_base_url_that_is_none_stops_the_start_and_its_password_is_not_shown(url: str) -> None:
    """G46: it would fail at the first message."""
    with pytest.raises(ConfigurationError, match=r"^OPENAI_BASE_URL must") as refused:
        catalog(openai_base_url=url).check(assistant(*BOTH))
    assert "SECRET" not in str(refused.value)


@pytest.mark.parametrize("provider", [{"openai_api_key": "k"}, {"openai_base_url": "http://127.0.0.1:9/v1"}])
def test_with_a_key_or_a_server_all_models_can_be_used_in_the_assistants_order(provider: dict[str, str]) -> None:
    assert catalog(**provider).names(assistant(*BOTH)) == list(BOTH)


def test_the_settings_model_comes_first_and_once() -> None:
    settings = {"openai_api_key": "k"}
    assert catalog(**settings, model="openai:small").names(assistant(*BOTH)) == ["openai:small", "openai:large", "demo"]
    assert catalog(**settings, model="demo").resolve(assistant(*BOTH), None) == "demo"


async def test_the_first_usable_model_is_the_default_and_others_can_be_asked_for(configured: Catalog) -> None:
    assert configured.resolve(assistant(*BOTH), None) == "openai:large"
    assert configured.resolve(assistant(*BOTH), "demo") == "demo"


@pytest.mark.parametrize("requested", ["openai:other", "", "OPENAI:large", "openai:large ", "large"])
async def test_a_model_that_is_not_the_assistants_is_refused_by_the_fields_name(
    configured: Catalog, requested: str
) -> None:
    with pytest.raises(InvalidRequestError, match=r"^model: not one of openai:large, openai:small, demo$"):
        configured.resolve(assistant(*BOTH), requested)


@each("spec", ["openai", "openai:", "gpt-4o", "demo:x", "azur:x", ":x", "os.path:join", "agent.models:"])
def test_a_spec_of_no_known_kind_is_refused_at_start(spec: str) -> None:
    with pytest.raises(ConfigurationError, match=r"write openai:<name> or demo"):
        catalog().check(assistant("demo", spec))
    with pytest.raises(ConfigurationError):
        catalog(model=spec).check(assistant("demo"))


def test_a_name_may_hold_colons_and_slashes() -> None:
    catalog(openai_api_key="k").check(assistant("openai:qwen3:8b", "openai:meta-llama/Llama-3.1-8B"))


async def test_one_model_is_kept_per_definition(configured: Catalog) -> None:
    one = configured.open(ModelDefinition(spec="openai:large"), Limits())
    assert configured.open(ModelDefinition(spec="openai:large"), Limits()) is one
    assert configured.open(ModelDefinition(spec="openai:large"), Limits(steps=3)) is one
    assert configured.open(ModelDefinition(spec="openai:small"), Limits()) is not one
    assert isinstance(configured.open(ModelDefinition(spec="demo"), Limits()), DemoChatModel)


async def test_closing_a_catalog_that_opened_nothing_is_no_error() -> None:
    await catalog().close()


def test_what_is_known_of_a_model_is_of_no_other_that_its_provider_or_class_serves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """G426: one that is down takes no other with it; a name, a price and a window make no other."""
    monkeypatch.setenv("KEY_OF_ACME", "SECRET-KEY")
    first: dict[str, Any] = {"spec": "shop.models:Chat", "api_key_env": "KEY_OF_ACME", "parameters": {"model": "small"}}
    others = [
        {**first, "parameters": {"model": "large"}},
        {**first, "headers": {"X-Region": "eu"}},
        {**first, "extra_body": {"project": 7}},
        {**first, "base_url": "https://other.example.com"},
        {**first, "api_key_env": None},
    ]
    same = {**first, "name": "spare", "price": {"input": 1, "output": 2}, "context": 8000}
    made = catalog()
    found = [made.identity(ModelDefinition.model_validate(one)) for one in (first, same, *others)]
    assert found[0] == found[1]
    assert len(set(found)) == 1 + len(others)
    assert not any("SECRET" in one for one in found)


@pytest.mark.parametrize(
    ("parameters", "wrong"), [({"manner": "curt"}, "manner: "), ({"maner": "brief"}, "maner: there is no")]
)
def test_what_an_offline_model_does_not_take_stops_the_start(parameters: dict[str, str], wrong: str) -> None:
    """G473"""
    both = ("demo", ModelDefinition(spec="demo", name="short", parameters={"manner": "brief"}))
    catalog().check(Assistant(name="Desk", persona="You help.", models=both))
    odd = Assistant(
        name="Desk",
        persona="You help.",
        models=(*both, ModelDefinition(spec="demo", name="odd", parameters=parameters)),
    )
    with pytest.raises(ConfigurationError, match=f"^model odd: {wrong}"):
        catalog().check(odd)
