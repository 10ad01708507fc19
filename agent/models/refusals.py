"""Errors of providers, whatever their shape and place: a status with a body, an event in a stream, a body with status 200.

One reader finds the error object (wrapped, flat, in a list, in a choice, as JSON in its own words) and the tables of `meanings.py`
say what it means to a run. The provider's words go to the operator's debug log and nowhere else.
"""

import json
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
from agent.models import meanings
from agent.models.hints import retry_after
from agent.models.text import clean

logger = structlog.get_logger()

LOGGED_CHARACTERS = 1000

OUTER = ("code", "type", "status", "status_code", "retry_after", "estimated_time")
"""Fields that may stand beside the error instead of in it."""
WORDS = ("message", "msg", "detail", "error_msg")
"""Fields with a provider's words."""
MAX_DIGITS = 10
MAX_LEAD, MAX_QUOTED = 200, 16_384
"""Characters before what an error quotes, and of it: further behind a user may be quoted."""
_DECODER = json.JSONDecoder()
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
        inside = (one for one in body[:4] if isinstance(one, dict))
        return next((found for one in inside if (found := find_error(one)) is not None), None)
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
    if isinstance(told := body.get("base_resp"), dict) and _is_failure(told.get("status_code")):
        code = told["status_code"]
        return {"code": meanings.MINIMAX.get(code, code), "message": told.get("status_msg")}
    if body.get("choices"):
        return None
    if isinstance(errors := body.get("errors"), list) and errors:
        return find_error({"error": errors})
    is_error = ("message" in body and _is_failure(body.get("code"))) or _is_failure(body.get("error_code"))
    return body if is_error or body.get("detail") or (body.get("error") is True) else None


def _is_failure(code: object) -> bool:
    """Return whether a code says that something failed: not 0, a status below 400, or a word for success."""
    word = str(code).lower() if _is_word(code) else ""
    if word.removeprefix("-").isdecimal() and len(word) < MAX_DIGITS:
        return not (int(word) == 0 or 100 <= int(word) < 400)
    return word not in ("", "ok", "success")


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
    raw = metadata.get("raw") if isinstance(metadata, Mapping) else None
    words = [*(error.get(name) for name in WORDS), raw]
    parts = [error, metadata, error.get("innererror"), *filter(None, map(_quoted, words))]
    kinds = [
        _UNSEEN.sub("?", mask(str(part[name]).lower()[:64]))
        for part in parts
        if isinstance(part, Mapping)
        for name in ("code", "type", "status", "status_code", "reason", "error_code")
        if _is_word(part.get(name))
    ]
    message = mask(" ".join(_as_text(one) for one in words if one)[: LOGGED_CHARACTERS * 4])
    inside = next((int(kind) for kind in kinds if kind.isdecimal() and 400 <= int(kind) < 600), None)
    words_of_it = clean(_KEY.sub("***", message[:LOGGED_CHARACTERS]))
    logger.debug("provider_refused", status=status, kinds=sorted(kinds), words=words_of_it)
    return ProviderError(status or inside, frozenset(kinds), message, retry_after(headers, error, message))


def _quoted(words: object) -> Mapping[str, Any] | None:
    """Return the error that an error quotes: gateways put what their provider said into their own words."""
    if not isinstance(words, str) or not 0 <= (at := words.find("{")) <= MAX_LEAD:
        return None
    try:
        quoted, _ = _DECODER.raw_decode(words[at : at + MAX_QUOTED])
    except (ValueError, RecursionError):
        return None
    return find_error(quoted)


def _error_of(error: ProviderError) -> RunError:
    """Return what an error means to a run."""
    kinds, words, status = error.kinds, error.message, error.status
    # Where the status says nothing that the words could not know better:
    is_vague = status in (400, 403, 412, 422, None)
    if kinds & meanings.WITHHELD or (is_vague and meanings.WITHHELD_WORDS.search(words)):
        return ContentRefusedError(error.reason)
    if kinds & meanings.QUOTA or status == 402 or meanings.QUOTA_WORDS.search(words):
        return ModelQuotaError(error.reason)
    if kinds & meanings.SLIPS or (status in (400, None) and meanings.SLIP_WORDS.search(words)):
        return ModelUnavailableError(error.reason)
    if status == 413 or meanings.TOO_MUCH_WORDS.search(words):
        return ContextTooLongError(error.reason)
    if status == 429 or kinds & meanings.RATE_LIMITED or (status is None and meanings.RATE_WORDS.search(words)):
        return ModelRateLimitedError(error.reason, retry_after_s=error.retry_after_s)
    if kinds & meanings.TOO_LONG:
        return ContextTooLongError(error.reason)
    if meanings.TOO_LONG_WORDS.search(words):
        if meanings.PACE_WORDS.search(words):
            return ModelRateLimitedError(error.reason, retry_after_s=error.retry_after_s)
        return ContextTooLongError(error.reason)
    if _is_missing(error) or (is_vague and meanings.MISSING_WORDS.search(words)):
        logger.error("model_not_there", reason=error.reason)
        return ModelMissingError(error.reason)
    if status in (401, 403) or kinds & meanings.UNAUTHORIZED or meanings.UNAUTHORIZED_WORDS.search(words):
        logger.error("model_key_refused", reason=error.reason)
        return ModelUnauthorizedError(error.reason)
    if status is None and kinds & meanings.REFUSED:
        return ModelRefusedError(error.reason)
    is_busy = kinds & meanings.BUSY or (status == 400 and meanings.BUSY_WORDS.search(words))
    if status is None or status >= 500 or status in meanings.TRANSIENT or is_busy:
        unavailable = ModelUnavailableError(error.reason)
        unavailable.retry_after_s = error.retry_after_s
        return unavailable
    return ModelRefusedError(error.reason)


def _is_missing(error: ProviderError) -> bool:
    """Return whether there is no such model, or no server of models, where it was asked for."""
    if error.kinds & meanings.MISSING or error.status in meanings.ELSEWHERE:
        return True
    return error.status is not None and 300 <= error.status < 400


def _is_word(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value).decode()
    except (TypeError, orjson.JSONEncodeError):
        return ""
