"""Arguments and results, as they go into the record: nothing that is secret."""

import time
from typing import Any

import pytest
from support.each import each

from agent.attempt.hiding import is_secret_name, without_secrets
from agent.attempt.recording import RESULT_CHARACTERS, kept_text
from agent.masking import HIDDEN, Mask

TOKEN = "a-token-that-nobody-may-see-42"


@each(
    "name",
    [
        "password",
        "userPassword",
        "PASSWORD",
        "new_password",
        "passwd",
        "secret",
        "client-secret",
        "clientSecret",
        "token",
        "accessToken",
        "api_key",
        "apiKey",
        "API-KEY",
        "x-api-key",
        "authorization",
        "card",
        "cardNumber",
        "card_number",
        "creditCard",
        "cvv",
        "cvc",
        "pin",
        "otp",
        "iban",
        "credentials",
        "privateKey",
    ],
)
def test_a_field_is_a_secret_by_its_name(name: str) -> None:
    """G261"""
    assert is_secret_name(name)
    assert without_secrets({"deep": [{name: {"value": "hush"}}]}, Mask()) == {"deep": [{name: HIDDEN}]}
    assert "hush" not in kept_text(f'{{"{name}": "hush"}}')


@pytest.mark.parametrize("name", ["item", "discard", "shipping", "opinion", "monkey", "passenger", "cardinal"])
def test_other_names_are_none(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"x": {"type": "string", "format": "password"}}},
        {"properties": {"x": {"writeOnly": True}}},
        {"properties": {"x": {"anyOf": [{"type": "null"}, {"format": "password"}]}}},
        {"properties": {"x": {"$ref": "#/$defs/s"}}, "$defs": {"s": {"allOf": [{"format": "password"}]}}},
        {"additionalProperties": {"format": "password"}},
        {"allOf": [{"properties": {"x": {"format": "password"}}}]},
    ],
)
def test_a_field_is_a_secret_by_its_schema(schema: dict[str, Any]) -> None:
    """G261"""
    assert without_secrets({"x": "hush"}, Mask(), schema) == {"x": HIDDEN}
    listed = {**schema, "properties": {"many": {"type": "array", "items": {**schema, "$defs": {}}}}}
    if "$defs" not in schema:
        assert without_secrets({"many": [{"x": "hush"}]}, Mask(), listed)["many"] in ([{"x": HIDDEN}], HIDDEN)


def test_a_schema_that_names_itself_ends() -> None:
    loop = {"$ref": "#"}
    assert without_secrets({"x": {"x": 1}}, Mask(), {"properties": {"x": loop}, "allOf": [loop]}) == {"x": {"x": 1}}


def test_what_the_runs_mask_knows_is_hidden_in_values_and_names() -> None:
    """G261"""
    mask = Mask()
    mask.learn(TOKEN)
    assert TOKEN not in str(without_secrets({f"a {TOKEN}": [f"b {TOKEN}"]}, mask))


def test_a_result_that_is_no_json_loses_what_it_calls_a_secret() -> None:
    """G261"""
    assert "hush" not in kept_text("user: ann, password: hush, next")
    assert "hush" not in kept_text('{"api_key": "hush hush", "cut')


DEEP = 900


def test_what_is_nested_deeply_is_hidden_below_and_breaks_nothing() -> None:
    """G261"""
    nested: dict[str, Any] = {"x": "hush"}
    for _ in range(DEEP):
        nested = {"x": nested}
    for text in (str(without_secrets(nested, Mask())), kept_text("[" * DEEP + '"hush"' + "]" * DEEP)):
        assert HIDDEN in text
        assert "hush" not in text


@pytest.mark.parametrize("text", ["a" * 200_000, "a-" * 100_000, "token='" * 30_000, 'token="\\' * 30_000])
def test_a_text_made_to_take_long_takes_no_time(text: str) -> None:
    begun = time.process_time()
    assert len(kept_text(text)) <= RESULT_CHARACTERS
    assert time.process_time() - begun < 1
