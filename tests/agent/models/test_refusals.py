"""Errors as providers say them, by what they mean to a run; `tests/providers` has those that go through all of it."""

from typing import Any

import orjson
from support.each import each

from agent.errors import (
    ContentRefusedError,
    ContextTooLongError,
    ModelQuotaError,
    ModelRateLimitedError,
    ModelRefusedError,
    ModelUnauthorizedError,
    ModelUnavailableError,
    RunError,
)
from agent.models.refusals import ModelMissingError, error_in, refusal

Said = tuple[int | None, Any]
"""A status, None for an event of a stream or a body with status 200; and what was said with it."""


def wrapped(message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, **more}}


def minimax(code: int, words: str = "x") -> Said:
    return None, {"choices": None, "base_resp": {"status_code": code, "status_msg": words}}


TOO_LONG: dict[str, Said] = {
    "Anthropic, with max_tokens": (400, wrapped("input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000")),
    "Qwen": (400, wrapped("<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 129024]", code="invalid_parameter_error")),
    "TGI": (422, {"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 6000 `inputs` tokens"}),
    "TGI, inputs alone": (422, {"error": "Input validation error: `inputs` must have less than 1024 tokens. Given: 3000"}),
    "Nova": (400, {"message": "Input Tokens Exceeded: Number of input tokens exceeds maximum length."}),
    "z.ai": (400, wrapped("Prompt exceeds max length", code="1261")),
    "Groq, more than goes in a minute": (413, wrapped("Request too large for model `llama` on tokens per minute (TPM): Limit 12000", code="rate_limit_exceeded")),
    "OpenAI, more than goes in a minute": (429, wrapped("Request too large for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Requested 41000.", code="rate_limit_exceeded")),
    "MiniMax": minimax(2013, "invalid params, context window exceeds limit (2013)"),
    "Vertex": (400, wrapped("Unable to submit request because the input token count is 1600000 but model only supports up to 1048576.")),
    "vLLM, with an encoder": (400, {"object": "error", "message": "The decoder prompt (length 9000) is longer than the maximum model length of 8192.", "code": 400}),
    "Hugging Face": (400, wrapped("tokens in request more than max tokens allowed")),
    "AI21": (422, {"detail": "Prompt has 300000 tokens, which is more than the maximum of 262144"}),
    "Ark": (400, wrapped("Input length 140000 exceeds the maximum length 131072", code="InvalidParameter")),
    "a gateway that quotes": (500, wrapped('upstream: {"error": {"code": "context_length_exceeded", "message": "x"}} (attempt 3)')),
}  # fmt: skip
MISSING: dict[str, Said] = {
    "DeepSeek": (400, wrapped("Model Not Exist", code="invalid_request_error")),
    "OpenRouter": (400, wrapped("foo/bar is not a valid model ID", code=400)),
    "LiteLLM": (400, wrapped("/chat/completions: Invalid model name passed in model=foo.", code="400")),
    "Bedrock": (400, {"message": "The provided model identifier is invalid."}),
    "Together": (400, wrapped("Unable to access model foo.", code="model_not_available")),
    "GitHub": (400, wrapped("x", code="unknown_model")),
    "z.ai": (400, wrapped("x", code="1211")),
    "xAI": (400, {"code": "Client specified an invalid argument", "error": "Model not found: grok-9"}),
    "Qwen": (400, wrapped("Unsupported model `x` for OpenAI compatibility mode.", code="model_not_supported")),
    "OpenAI, by a project": (403, wrapped("Project `x` does not have access to model `y`", code="model_not_found")),
}
QUOTA: dict[str, Said] = {
    "Qwen": (400, wrapped("Access denied, please make sure your account is in good standing.", code="Arrearage")),
    "Fireworks": (412, wrapped("Account x is suspended, possibly due to reaching the monthly spending limit or failure to pay past invoices.")),
    "LiteLLM": (400, wrapped("Budget has been exceeded! Current cost: 1.0, Max budget: 0.5", type="budget_exceeded", code="400")),
    "Ark": (403, wrapped("The request failed because your account has an overdue balance.", code="AccountOverdueError")),
    "Moonshot": (429, wrapped("Your account is suspended", type="exceeded_current_quota_error")),
    "z.ai": (429, wrapped("x", code="1113")),
    "MiniMax": minimax(1008),
}  # fmt: skip
WITHHELD: dict[str, Said] = {
    "xAI": (403, {"code": "x", "error": "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO"}),
    "Ark": (400, wrapped("The request failed because the input text may contain sensitive information.", code="SensitiveContentDetected")),
    "MiniMax": minimax(1026),
    "Bedrock": (400, {"message": "The content was blocked by guardrails"}),
}  # fmt: skip
RATE: dict[str, Said] = {
    "MiniMax": minimax(1002),
    "MiniMax, tokens": minimax(1039),
    "Mistral": (None, {"object": "error", "message": "x", "type": "rate_limited", "code": "1300"}),
    "a number of errors": (None, {"error_code": 18, "error_msg": "Open api qps request limit reached"}),
    "a gateway that quotes": (None, wrapped('{"error": {"code": 429, "message": "x", "status": "RESOURCE_EXHAUSTED"}}')),
    "true as the error": (None, {"error": True, "message": "Rate limit exceeded"}),
    "Bedrock, of tokens": (None, wrapped("Too many tokens, please wait before trying again.")),
    "a gateway of Bedrock's, of tokens in a day": (400, wrapped("Too many tokens per day, please wait before trying again.")),
    "tokens in a minute": (503, wrapped("The request exceeds the limit of 60000 tokens per minute")),
    "the status of a gateway, not the one that it quotes": (None, wrapped('Got {"error": {"code": 404, "message": "x"}}', code=429)),
    "Gemini's quota": (429, [wrapped("You exceeded your current quota, please check your plan and billing details.", status="RESOURCE_EXHAUSTED")]),
}  # fmt: skip
UNAUTHORIZED: dict[str, Said] = {
    "MiniMax": minimax(1004),
    "Groq": (400, wrapped("Organization has been restricted.", code="organization_restricted")),
    "Bedrock": (403, {"message": "You don't have access to the model."}),
}
UNAVAILABLE: dict[str, Said] = {
    "LM Studio": (400, {"error": "Model unloaded."}),
    "a dependency": (424, wrapped("x")),
    "a client that went": (499, b""),
    "true as the error": (None, {"error": True, "message": "upstream failed"}),
}
REFUSED: dict[str, Said] = {
    "a name that is too long": (400, wrapped("Invalid 'tools[0].function.name': string exceeds maximum length 64", code="invalid")),
    "more than it may say": (400, wrapped("max_tokens is too large: 100000. This model supports at most 16384 completion tokens")),
    "no tools": (400, wrapped("registry.ollama.ai/library/gemma:2b does not support tools")),
    "braces that are no JSON": (400, wrapped("unexpected { in {x}" + "{" * 50_000)),
    "objects within objects": (400, wrapped('{"error":' * 5000)),
}  # fmt: skip
MEANT: list[tuple[type[RunError], Said]] = [
    (meant, said)
    for meant, every in (
        (ContextTooLongError, TOO_LONG), (ModelMissingError, MISSING), (ModelQuotaError, QUOTA), (ContentRefusedError, WITHHELD),
        (ModelRateLimitedError, RATE), (ModelUnauthorizedError, UNAUTHORIZED), (ModelUnavailableError, UNAVAILABLE),
        (ModelRefusedError, REFUSED),
    )
    for said in every.values()
]  # fmt: skip


@each(("meant", "said"), MEANT)
def test_an_error_means_what_its_provider_means_by_it(meant: type[RunError], said: Said) -> None:
    """G70: by codes where there are some, else by words, also those that a gateway quotes."""
    status, body = said
    if status is None:
        assert type(error_in(body)) is meant
    else:
        assert type(refusal(status, {}, body if isinstance(body, bytes) else orjson.dumps(body))) is meant


@each("event", [{"code": 0, "message": "x"}, {"code": "OK", "message": "x"}, {"code": 102, "message": "x"},
                {"error_code": 0}, {"code": "000000", "message": "x"}, {"base_resp": {"status_code": "0"}}, {"error": False, "message": "x"}, {"status": "processing"}, {"detail": None}])  # fmt: skip
def test_an_event_that_says_nothing_of_a_failure_is_none(event: dict[str, Any]) -> None:
    """G56"""
    assert error_in(event) is None
