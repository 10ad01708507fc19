"""Spec strings to chat models, and which of them an installation can use."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from agent.assistant import Assistant, Limits
from agent.errors import ConfigurationError, InvalidRequestError
from agent.models.catalog import Catalog
from agent.settings import Settings
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


def test_without_a_provider_the_demo_model_answers() -> None:
    assert catalog().specs(assistant(*BOTH)) == ["demo"]
    assert catalog().specs(assistant("openai:large")) == ["demo"]
    assert catalog(model="openai:large").specs(assistant("openai:small")) == ["demo"]


@pytest.mark.parametrize("provider", [{"openai_api_key": "k"}, {"openai_base_url": "http://127.0.0.1:9/v1"}])
def test_with_a_key_or_a_server_all_models_can_be_used_in_the_assistants_order(provider: dict[str, str]) -> None:
    assert catalog(**provider).specs(assistant(*BOTH)) == list(BOTH)


def test_the_settings_model_comes_first_and_once() -> None:
    settings = {"openai_api_key": "k"}
    assert catalog(**settings, model="openai:small").specs(assistant(*BOTH)) == ["openai:small", "openai:large", "demo"]
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


@pytest.mark.parametrize("spec", ["openai", "openai:", "gpt-4o", "demo:x", "", "azure:x", ":x"])
def test_a_spec_of_no_known_kind_is_refused_at_start(spec: str) -> None:
    with pytest.raises(ConfigurationError, match=r"write openai:<name> or demo"):
        catalog().check(assistant("demo", spec))
    if spec:
        with pytest.raises(ConfigurationError):
            catalog(model=spec).check(assistant("demo"))


def test_a_name_may_hold_colons_and_slashes() -> None:
    catalog().check(assistant("openai:qwen3:8b", "openai:meta-llama/Llama-3.1-8B"))


async def test_one_model_is_kept_per_spec_and_limits(configured: Catalog) -> None:
    one = configured.open("openai:large", Limits())
    assert configured.open("openai:large", Limits()) is one
    assert configured.open("openai:large", Limits(steps=3)) is not one
    assert configured.open("openai:small", Limits()) is not one
    assert isinstance(configured.open("demo", Limits()), DemoChatModel)


async def test_closing_a_catalog_that_opened_nothing_is_no_error() -> None:
    await catalog().close()
