"""Errors of providers, whatever their shape and place: a status with a body, an event in a stream, a body with status 200.

One reader finds the error object (wrapped, flat, in a list, in a choice) and one table says what it means to a run. The
provider's words decide only whether a conversation was too long or an account is empty; they go to the operator's debug log
and nowhere else.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import structlog

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
from agent.models.hints import retry_after

logger = structlog.get_logger()

LOGGED_CHARACTERS = 1000

TOO_LONG = {
    "context_length_exceeded",
    "context_window_exceeded",
    "string_above_max_length",
    "exceed_context_size_error",
    "model_max_prompt_tokens_exceeded",
    "request_too_large",
    "3051",
}
TOO_LONG_WORDS = re.compile(
    r"context[ _-]?(?:length|window|size)|contextwindow|maximum context|max(?:imum)? prompt length"
    r"|(?:prompt|input|request|messages?) (?:is|are) too (?:long|large)|prompt too long|too large for model"
    r"|input token count.{0,80}exceeds|exceeds? the (?:maximum|limit of|max).{0,40}tokens?|model token limit"
    r"|reduce the length of the (?:messages|input|prompt)|too many (?:input )?tokens|exceed max message tokens",
    re.IGNORECASE | re.DOTALL,
)
QUOTA = {
    "insufficient_quota",
    "billing_hard_limit_reached",
    "billing_not_active",
    "insufficient_balance",
    "insufficient_credits",
    "payment_required",
    "credit_balance_too_low",
    "servicequotaexceededexception",
}
QUOTA_WORDS = re.compile(
    r"insufficient (?:balance|credits?|funds|quota)|credit balance is too low|(?:no|any|out of|all available) credits",
    re.IGNORECASE,
)
WITHHELD = {
    "content_filter",
    "content_policy_violation",
    "content_policy",
    "responsibleaipolicyviolation",
    "moderation_blocked",
    "data_inspection_failed",
    "prohibited_content",
    "safety",
    "invalid_prompt",
    "1301",
}
WITHHELD_WORDS = re.compile(
    r"content management policy|content[ _]?policy|content[ _]?filter|contentpolicyviolation|was flagged"
    r"|content exists risk|prohibited[ _]content|(?:inappropriate|sensitive) content|blocked.{0,40}safety",
    re.IGNORECASE,
)
UNAUTHORIZED = {
    "invalid_api_key",
    "incorrect_api_key",
    "authentication_error",
    "invalid_authentication",
    "unauthenticated",
    "unauthorized",
    "permission_denied",
    "permission_error",
    "api_key_invalid",
    "accessdeniedexception",
    "unrecognizedclientexception",
    "expiredtokenexception",
}
UNAUTHORIZED_WORDS = re.compile(
    r"api key (?:is )?(?:not valid|invalid|expired)|(?:invalid|incorrect) api key", re.IGNORECASE
)
RATE_LIMITED = {
    "rate_limit_exceeded",
    "rate_limit_error",
    "rate_limit",
    "too_many_requests",
    "throttled",
    "resource_exhausted",
    "requests_limit_reached",
    "tokens_limit_reached",
    "throttlingexception",
}
RATE_WORDS = re.compile(r"rate[ -]?limit|too many requests", re.IGNORECASE)
MISSING = {
    "model_not_found",
    "model_decommissioned",
    "not_found_error",
    "not_found",
    "invalid_model",
    "deploymentnotfound",
    "resourcenotfoundexception",
}
ELSEWHERE = {404, 405, 410}
REFUSED = {"invalid_request_error", "invalid_argument", "badrequesterror", "validationexception"}
"""The kinds of errors that are no better in the next try, where no status says so."""
OUTER = ("code", "type", "status", "status_code")
"""Fields that may stand beside the error instead of in it."""
SLIPS = {"tool_use_failed", "tool_call_failed", "malformed_function_call", "invalid_tool_call", "json_validate_failed"}
"""The model's own mistakes: another try may go well."""
SLIP_WORDS = re.compile(r"failed to (?:call|parse) a? ?(?:function|tool)|failed_generation", re.IGNORECASE)
BUSY = {"overloaded_error", "overloaded", "server_error", "capacity_exceeded", "service_unavailable", "timeout"}
TRANSIENT = {408, 409, 425, 498}

_KEY = re.compile(r"\b(?:sk|pk|rk|gsk|xai|key|AIza|Bearer)[-_ ][\w.*-]{6,}|\bAIza[\w-]{10,}")
"""How keys look: a provider may say the one that it refuses."""
_UNSEEN = re.compile(r"[^\w.:/ -]")
"""The characters that no code is made of: a code is shown on terminals."""


class ModelMissingError(ModelRefusedError):
    """There is no such model where it is asked for: it was retired, is called otherwise, or has another address."""

    public = "The language model cannot be used: it is not where it should be. Please tell the operator."


@dataclass(frozen=True, slots=True)
class ProviderError:
    """An error as a provider said it. `kinds` are its codes and types, in lower case."""

    status: int | None
    kinds: frozenset[str]
    message: str
    retry_after_s: float | None

    @property
    def reason(self) -> str:
        """Return what an operator's log may say of it: no words of the provider."""
        return f"status {self.status}, code {', '.join(sorted(self.kinds))[:64] or None}"


def find_error(body: object) -> Mapping[str, Any] | None:
    """Return the error in a parsed body or event, None where it holds none."""
    if isinstance(body, list):
        return next((found for one in body[:4] if (found := find_error(one)) is not None), None)
    if not isinstance(body, dict):
        return None
    error = body.get("error")
    if isinstance(error, list):
        error = next((one for one in error if one), None)
    if isinstance(error, dict) and isinstance(error.get("error"), dict) and not error.get("message"):
        error = error["error"]
    if isinstance(error, str) and error:
        error = {"message": error}
    if isinstance(error, dict) and any(error.values()):
        return {name: body[name] for name in OUTER if name in body} | error
    if body.get("object") == "error" or (body.get("type") == "error" and "choices" not in body):
        return body
    choices = body.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict) and choices[0].get("error"):
        return find_error({"error": choices[0]["error"]})
    return _bare_error(body)


def _bare_error(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return what says that it is an error without a field of that name: where no answer stands beside it."""
    if isinstance(told := body.get("base_resp"), dict) and told.get("status_code"):  # MiniMax
        return {"code": told["status_code"], "message": told.get("status_msg")}
    if body.get("choices"):
        return None
    if isinstance(errors := body.get("errors"), list) and errors:
        return find_error({"error": errors})
    has_code = _is_word(body.get("code")) and str(body["code"]) not in ("0", "200", "")
    return body if (has_code and "message" in body) or body.get("detail") else None


def refusal(status: int, headers: Mapping[str, str], body: bytes, *, mask: Callable[[str], str] = str) -> RunError:
    """Return our error for a response whose status is one. `mask` hides the key in what is logged of it."""
    try:
        parsed: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        parsed = body[:LOGGED_CHARACTERS].decode("utf-8", "replace")
    found = find_error(parsed) or (parsed if isinstance(parsed, dict | str) else None)
    return _error_of(_read(found, status=status, headers=headers, mask=mask))


def error_in(body: object, *, mask: Callable[[str], str] = str) -> RunError | None:
    """Return our error for an event, or a body with a good status, that holds one."""
    found = find_error(body)
    return None if found is None else _error_of(_read(found, status=None, headers={}, mask=mask))


def _read(
    found: Mapping[str, Any] | str | None,
    *,
    status: int | None,
    headers: Mapping[str, str],
    mask: Callable[[str], str],
) -> ProviderError:
    """Read what can be read of an error object."""
    error = found if isinstance(found, Mapping) else {"message": found or ""}
    metadata = error.get("metadata")
    inner = error.get("innererror")
    kinds: set[str] = set()
    for part in (error, metadata, inner):
        if isinstance(part, Mapping):
            kinds |= {
                str(part[name]).lower()[:64]
                for name in ("code", "type", "status", "status_code", "reason")
                if _is_word(part.get(name))
            }
    words = [
        error.get("message"),
        error.get("msg"),
        error.get("detail"),
        metadata.get("raw") if isinstance(metadata, Mapping) else None,
    ]
    kinds = {_UNSEEN.sub("?", mask(kind)) for kind in kinds}
    message = mask(" ".join(_as_text(one) for one in words if one)[: LOGGED_CHARACTERS * 4])
    inside = next((int(kind) for kind in kinds if kind.isdecimal() and 400 <= int(kind) < 600), None)
    words_of_it = _KEY.sub("***", message[:LOGGED_CHARACTERS])
    logger.debug("provider_refused", status=status, kinds=sorted(kinds), words=words_of_it)
    return ProviderError(status or inside, frozenset(kinds), message, retry_after(headers, error, message))


def _error_of(error: ProviderError) -> RunError:
    """Return what an error means to a run."""
    kinds, words, status = error.kinds, error.message, error.status
    if kinds & WITHHELD or (status in (400, 403, None) and WITHHELD_WORDS.search(words)):
        return ContentRefusedError(error.reason)
    if kinds & QUOTA or status == 402 or QUOTA_WORDS.search(words):
        return ModelQuotaError(error.reason)
    if kinds & SLIPS or (status in (400, None) and SLIP_WORDS.search(words)):
        return ModelUnavailableError(error.reason)
    if status == 429 or kinds & RATE_LIMITED or (status is None and RATE_WORDS.search(words)):
        return ModelRateLimitedError(error.reason, retry_after_s=error.retry_after_s)
    if kinds & TOO_LONG or status == 413 or TOO_LONG_WORDS.search(words):
        return ContextTooLongError(error.reason)
    if status in (401, 403) or kinds & UNAUTHORIZED or UNAUTHORIZED_WORDS.search(words):
        logger.error("model_key_refused", reason=error.reason)
        return ModelUnauthorizedError(error.reason)
    if kinds & MISSING or status in ELSEWHERE or (status is not None and 300 <= status < 400):
        logger.error("model_not_there", reason=error.reason)
        return ModelMissingError(error.reason)
    if status is None and kinds & REFUSED:
        return ModelRefusedError(error.reason)
    if status is None or status >= 500 or status in TRANSIENT or kinds & BUSY:
        unavailable = ModelUnavailableError(error.reason)
        unavailable.retry_after_s = error.retry_after_s
        return unavailable
    return ModelRefusedError(error.reason)


def _is_word(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value).decode()
    except (TypeError, orjson.JSONEncodeError):
        return ""
