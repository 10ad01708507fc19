"""Models of a tenant's own: another key, another server, other names; whoever asks for an assistant's models gets the tenant's."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
import yaml
from support.processes import Machine
from support.provider import Provider, scripted_provider
from support.voices import scripted_voices
from support.world import SECRET, OpenWorld, World, write_assistants

from agent.assistant.source import load_definitions
from agent.errors import ConfigurationError

KEY = "SECRET-KEY-OF-ACME"
SCRIPTED = "openai:scripted"


@pytest.fixture
async def theirs() -> AsyncIterator[Provider]:
    """The tenant's own provider."""
    async with scripted_provider() as provider:
        yield provider
        provider.check()


def override(url: str) -> dict[str, Any]:
    own = {"name": "own", "spec": "mistral:large", "base_url": url, "api_key_env": "KEY_OF_ACME"}
    return {"models": [SCRIPTED], "tenants": {"acme": {"models": [own]}}}


@pytest.fixture
async def world(open_frontdesk: OpenWorld, theirs: Provider, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("KEY_OF_ACME", KEY)
    return await open_frontdesk(assistant=override(theirs.url))


async def test_a_tenant_is_answered_by_its_own_model_with_its_own_key(world: World, theirs: Provider) -> None:
    """G436: and nobody else is."""
    ann, bob = world.person(tenant="acme"), world.person(tenant="other")
    assert (await ann.request("GET", "/assistant")).json()["models"] == ["own"]
    assert (await bob.request("GET", "/assistant")).json()["models"] == [SCRIPTED]
    theirs.say("From ours.")
    world.provider.say("From the installation's.")
    assert (await ann.stream("hello")).text == "From ours."
    assert (await bob.stream("hello")).text == "From the installation's."
    assert theirs.headers[0]["authorization"] == f"Bearer {KEY}"
    assert KEY not in world.provider.headers[0]["authorization"]
    for person, other in ((ann, SCRIPTED), (bob, "own")):
        refused = await person.ask("hello", model=other)
        assert (refused.status_code, refused.json()["detail"]) == (
            422,
            f"model: not one of {'own' if person is ann else SCRIPTED}",
        )


async def test_what_a_tenants_model_lacks_is_told_at_start_with_whose_it_is(
    open_frontdesk: OpenWorld, theirs: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G436: a key, and a price that a budget needs."""
    monkeypatch.delenv("KEY_OF_ACME", raising=False)
    with pytest.raises(ConfigurationError, match=r"tenants\.acme: own needs KEY_OF_ACME"):
        await open_frontdesk(assistant=override(theirs.url))
    monkeypatch.setenv("KEY_OF_ACME", KEY)
    priced = {"spec": SCRIPTED, "price": {"input": 1, "output": 1}}
    changes = override(theirs.url) | {"models": [priced], "budgets": {"tenant": {"month": {"cost": 5}}}}
    with pytest.raises(ConfigurationError, match=r"tenants\.acme: budgets: a cost needs the price .* own has none"):
        await open_frontdesk(assistant=changes)


def test_two_files_call_no_two_models_of_one_tenant_by_one_name(tmp_path: Any) -> None:
    """G436: what one of them wants to see again would go to the other."""
    path = write_assistants(
        tmp_path,
        {
            "a.yaml": {"models": [SCRIPTED], "tenants": {"acme": {"models": [{"name": "own", "spec": "openai:a"}]}}},
            "b.yaml": {"models": [SCRIPTED], "tenants": {"acme": {"models": [{"name": "own", "spec": "openai:b"}]}}},
        },
    )
    with pytest.raises(ConfigurationError, match=r"b\.yaml: model 'own' is another one"):
        load_definitions(path)
    (path / "b.yaml").write_text(yaml.safe_dump(yaml.safe_load((path / "b.yaml").read_text()) | {"tenants": {}}))
    assert len(load_definitions(path)) == 2


def trying(provider: Provider) -> None:
    """Script what `frontdesk models` asks a model that can do all of it."""
    call = {"id": "a", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Graz"}'}}
    provider.stream({"reasoning_content": "Hm."}, {"content": "yes"})
    provider.stream({"tool_calls": [{"index": 0, **call}]}, finish_reason="tool_calls")
    provider.say("It is clear.")
    provider.stream({"tool_calls": [{"index": 0, **call}, {"index": 1, **call, "id": "b"}]}, finish_reason="tool_calls")


async def models(machine: Machine, *options: str) -> tuple[int | None, str]:
    command = await machine.command("models", *options)
    return command.status, command.output.read_text() + command.errors.read_text()


async def test_the_command_tries_each_model_as_a_tenant_has_it(tmp_path: Any, theirs: Provider, nursery: Any) -> None:
    """G435: what works, voices too, or the code and no words of a provider; the status is 1 where the default does not answer."""
    async with scripted_provider() as ours, scripted_voices() as voices:
        there = {"base_url": voices.url, "api_key_env": "KEY_OF_ACME"}
        spoken = {"speech": {"model": "openai:says", **there}, "dictation": {"model": "openai:hears", **there}}
        changes = override(theirs.url)
        changes["tenants"]["acme"]["voice"] = False
        changes["tenants"]["acme"]["models"].append({"name": "keyless", "spec": "mistral:large"})
        listed = [SCRIPTED, {"name": "keyless", "spec": "mistral:large"}, "demo"]
        path = write_assistants(tmp_path, {"default.yaml": changes | {"models": listed, "voice": spoken}})
        variables = {"OPENAI_BASE_URL": ours.url, "KEY_OF_ACME": KEY, "FRONTDESK_DATA": str(tmp_path / "data")}
        machine = Machine(tmp_path, {**variables, "FRONTDESK_JWT_SECRET": SECRET}, nursery)
        trying(ours)
        voices.answer(b'{"error": {"message": "SECRET", "code": "invalid_api_key"}}', status=401)
        status, said = await models(machine, "--assistant", str(path), "--json")
        assert status == 0, said
        found = {one["name"]: one for one in orjson.loads(said)}
        assert [found[SCRIPTED][name] for name in ("text", "tools", "parallel_tools", "usage", "reasoning")] == [
            True
        ] * 5
        assert (found["keyless"]["code"], found["keyless"]["reason"]) == ("skipped", "needs MISTRAL_API_KEY")
        assert found["demo"]["text"] is True
        assert (found["openai:says"]["answers"], found["openai:says"]["code"]) == (False, "model_unauthorized")
        assert (found["openai:hears"]["answers"], found["openai:hears"]["voice"]) == (True, "dictation")
        assert "SECRET" not in said
        assert voices.heard[0]["file"][:4] == b"RIFF"
        theirs.fail(401, code="invalid_api_key")
        status, said = await models(machine, "--assistant", str(path), "--tenant", "acme")
        assert status == 1
        [_, line, keyless] = said.strip().splitlines()
        assert line.split()[:6] == ["own", "no", "no", "no", "no", "no"]
        assert keyless.split()[:6] == ["keyless", "-", "-", "-", "-", "-"]
        assert "model_unauthorized: status 401" in line
        assert "SECRET" not in said
        ours.check()


async def test_a_model_that_is_one_assistants_default_and_anothers_spare_counts_as_default(
    tmp_path: Any, theirs: Provider, nursery: Any
) -> None:
    """G435: it is asked once."""
    own = override(theirs.url)["tenants"]["acme"]["models"][0]
    files = {"a.yaml": {"models": ["demo", own]}, "b.yaml": {"models": [own]}}
    variables = {"KEY_OF_ACME": KEY, "FRONTDESK_DATA": str(tmp_path / "data"), "FRONTDESK_JWT_SECRET": SECRET}
    theirs.fail(401, code="invalid_api_key")
    status, said = await models(
        Machine(tmp_path, variables, nursery), "--assistant", str(write_assistants(tmp_path, files)), "--json"
    )
    assert status == 1, said
    assert [(one["name"], one["default"]) for one in orjson.loads(said)] == [("demo", True), ("own", True)]
