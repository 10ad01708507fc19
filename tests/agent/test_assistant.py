"""The definition of what answers: one checked value from a file, with a tenant's own version of it."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError
from support.each import each

from agent.assistant.definition import Assistant, CancelAfter, Limits, load_assistant
from agent.assistant.mistakes import FORMS
from agent.assistant.suggestions import SHORT, Starter
from agent.errors import ConfigurationError
from api.settings import STUDIO

SMALL: dict[str, Any] = {"name": "Desk", "persona": "You help.", "models": ["demo"]}


def made(**more: Any) -> Assistant:
    return Assistant.model_validate({**SMALL, **more})


def test_the_demos_own_assistant_loads() -> None:
    assistant = load_assistant(STUDIO)
    assert set(assistant.actions) == {"change_theme", "change_accent", "navigate"}
    assert set(assistant.actions["change_theme"].values) == {"dark", "light", "system"}
    assert len(assistant.actions["change_accent"].values) == 9
    assert assistant.starters
    assert assistant.backend
    assert [one.label for one in assistant.models[-2:]] == ["demo", "demo-brief"]


def test_a_name_a_persona_and_models_are_enough() -> None:
    assistant = made()
    assert assistant.limits == Limits()
    assert (assistant.limits.steps, assistant.limits.tool_timeout_s, assistant.limits.tool_result_bytes) == (
        10,
        30,
        32768,
    )
    assert (assistant.history.messages, assistant.suggestions.timeout_s) == (20, 3)
    assert (assistant.when_active, assistant.on_disconnect, assistant.title) == ("enqueue", "continue", "words")


def patterns_in(schema: Any) -> set[str]:
    """Return the patterns that texts of a definition have, of names in it, too."""
    if isinstance(schema, list):
        return {one for part in schema for one in patterns_in(part)}
    if not isinstance(schema, dict):
        return set()
    own = {schema["pattern"]} if isinstance(schema.get("pattern"), str) else set()
    return (
        own | set(schema.get("patternProperties", ())) | {one for part in schema.values() for one in patterns_in(part)}
    )


def test_what_a_text_has_to_be_is_said_in_words_and_not_by_its_pattern() -> None:
    """G395"""
    found = patterns_in(Assistant.model_json_schema())
    assert found
    assert found - set(FORMS) == set()


def test_a_file_is_read_as_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "assistant.yaml"
    path.write_text("name: Empfang\nmodels: [demo]\npersona: |\n  Du hilfst — „gern“.\n", "utf-8")
    assert load_assistant(path).persona == "Du hilfst — „gern“.\n"


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("persona: x", "name: is missing"),
        ("name: x", "persona: is missing"),
        ("name: x\npersona: y", "models: is missing"),
        ("name: x\nmodels: [demo]\npersona: y\nlimts: {}", "limts: there is no such name here; did you mean limits?"),
        ("name: x\nmodels: [demo]\npersona: y\nlimits: {steps: 0}", "limits.steps:"),
        ("name: x\nmodels: [demo]\npersona: y\nlimits: {step: 5}", "limits.step:"),
        ("name: x\nmodels: [demo]\npersona: y\nactions: {a: {description: d, values: {}}}", "actions.a.values:"),
        ("name: x\nmodels: [demo]\npersona: y\nactions: {a: {values: {v: w}}}", "actions.a.description:"),
        ("name: x\nmodels: [demo]\npersona: y\nactions: {a: {description: d, values: {on: w}}}", "actions.a.values"),
        ("name: x\nmodels: [demo]\npersona: y\nstarters: [" + "x" * (SHORT + 1) + "]", "starters.0.text:"),
        ("name: x\nmodels: [demo]\npersona: y\nstarters: [{text: a, roles: []}]", "starters.0.roles:"),
        ("name: x\nmodels: [demo]\npersona: y\nstarters: [{roles: [a]}]", "starters.0.text:"),
        ("name: x\nmodels: [demo]\npersona: y\nbackend: {url: 'http://a', app: 'a:b'}", "backend:"),
        ("name: x\nmodels: [demo]\npersona: y\nbackend: {app: 'a.b'}", "backend.app:"),
        ("name: x\npersona: y\nmodels: []", "models:"),
        ("name: x\nmodels: [demo]\npersona: y\ntenants: {acme: {toolsets: []}}", "tenants.acme.toolsets:"),
        ("name: x\nmodels: [demo]\npersona: y\ntenants: {acme: {persona: ''}}", "tenants.acme.persona:"),
        ("name: x\nmodels: [demo]\npersona: y\nsuggestions: {timeout_s: 30}", "suggestions.timeout_s:"),
        *(
            (f"name: x\nmodels: [demo]\npersona: y\nsuggestions: {{when: {when}}}", "suggestions.when:")
            for when in ("never", "On_Demand", "on-demand", "''", "null", "[after]", "1", "true")
        ),
        ("name: x\nmodels: [demo]\npersona: y\nsuggestions: on_demand", "suggestions:"),
        (
            "name: x\nmodels: [demo]\npersona: y\ntenants: {acme: {suggestions: {when: later}}}",
            "tenants.acme.suggestions.when:",
        ),
        ("name: x\nmodels: [demo]\npersona: y\ntoolsets: {openapi: a}", "toolsets: must be a list"),
        (
            "name: x\nmodels: [demo]\npersona: y\nbackend: {url: 'http://a', auth: {header: {}}}",
            "backend.auth.header.secret_env:",
        ),
        ("name: [x", "not YAML"),
        ("name: x\n\tpersona: y", "not YAML"),
        ("!!python/object/apply:os.system [ls]", "not YAML"),
        ("", "the file: must be an object"),
        ("- a\n- b", "the file: must be an object"),
        ("name: x\nmodels: [demo]\npersona: y\nbackend: https://a.example.com", "backend: must be an object"),
        ("name: x\nmodels: [demo]\npersona: y\ntoolsets: shop.yaml", "toolsets: must be a list"),
        (
            "name: x\nmodels: [demo]\npersona: y\ntoolsets: [{opanapi: a.yaml}]",
            "toolsets.0.opanapi: there is no such name here; did you mean openapi?",
        ),
        ("name: x\npersona: a: b", "not YAML: mapping values are not allowed in this context in line 2"),
    ],
)
def test_a_mistake_in_the_file_is_named_by_its_place(tmp_path: Path, content: str, place: str) -> None:
    path = tmp_path / "assistant.yaml"
    path.write_text(content)
    with pytest.raises(ConfigurationError) as refused:
        load_assistant(path)
    assert str(refused.value).startswith(str(path))
    assert place in str(refused.value)


def test_a_file_that_is_missing_a_folder_or_not_utf_8_is_named(tmp_path: Path) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("name: Empfänger\npersona: x".encode("latin-1"))
    for path in (tmp_path / "nowhere.yaml", tmp_path, latin):
        with pytest.raises(ConfigurationError, match=str(path)):
            load_assistant(path)


def test_a_tenant_overrides_only_what_it_names() -> None:
    assistant = made(
        greeting="Hello!",
        starters=["How many?"],
        tenants={"acme": {"greeting": "Moin!"}, "rival": {"starters": [], "suggestions": {"enabled": False}}},
    )
    acme, rival = assistant.for_tenant("acme"), assistant.for_tenant("rival")
    assert (acme.greeting, acme.starters, acme.persona) == ("Moin!", (Starter(text="How many?"),), "You help.")
    assert (rival.greeting, rival.starters, rival.suggestions.enabled) == ("Hello!", (), False)
    assert assistant.for_tenant("stranger") is assistant


def test_nothing_keeps_the_assistants_own() -> None:
    assistant = made(greeting="Hello!", tenants={"acme": {"greeting": None}})
    assert assistant.for_tenant("acme").greeting == "Hello!"


def test_a_tenants_version_is_made_once() -> None:
    assistant = made(tenants={"acme": {"greeting": "Moin!"}})
    assert assistant.for_tenant("acme") is assistant.for_tenant("acme")


def test_two_assistants_do_not_share_their_tenants_versions() -> None:
    one, two = (made(persona=text, tenants={"acme": {"greeting": "Moin!"}}) for text in ("One.", "Two."))
    assert [assistant.for_tenant("acme").persona for assistant in (one, two)] == ["One.", "Two."]


@each(
    ("name", "value"),
    [
        *(("steps", value) for value in (0, -1, 101, "many", None)),
        *(("deadline_s", value) for value in (0, -1, "inf", "nan")),
        *(
            (name, 0)
            for name in ("tool_timeout_s", "connect_timeout_s", "first_token_timeout_s", "between_tokens_timeout_s")
        ),
        ("tool_result_bytes", 255),
        ("answer_characters", 99),
        *(("model_retries", value) for value in (-1, 11)),
    ],
)
def test_limits_have_bounds(name: str, value: object) -> None:
    with pytest.raises(ValidationError, match=name):
        Limits.model_validate({name: value})


@pytest.mark.parametrize(
    ("policy", "parsed"), [("continue", "continue"), ({"cancel_after_s": 5}, CancelAfter(cancel_after_s=5))]
)
def test_what_a_lost_reader_means_is_a_policy(policy: object, parsed: object) -> None:
    assert made(on_disconnect=policy).on_disconnect == parsed


def test_an_assistant_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        made().name = "other"  # type: ignore[misc]


def test_the_tests_assistant_is_one_that_a_file_can_hold(tmp_path: Path) -> None:
    from support.world import ASSISTANT, write_assistant

    assert yaml.safe_load(write_assistant(tmp_path).read_text()) == ASSISTANT
    assert load_assistant(tmp_path / "assistant.yaml").name == ASSISTANT["name"]
