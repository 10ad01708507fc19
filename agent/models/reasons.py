"""Finish reasons under their many names: those that a run reacts to are read as OpenAI's own, every other stays as it is.

The rule: a step that was cut or withheld stays so, whatever is said behind it; one that ended well does not fail any more.
"""

import re

CUT = "length"
WITHHELD = "content_filter"
FAILED = "error"
BAD = {CUT, WITHHELD, FAILED}
REASON_CHARACTERS = 32

_NAMES = {
    "stop": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": CUT,
    "max_output_tokens": CUT,
    "max_completion_tokens": CUT,
    "max_length": CUT,
    "model_length": CUT,
    "token_limit": CUT,
    "incomplete": CUT,
    "max_new_tokens": CUT,
    "time_limit": CUT,
    "error_limit": CUT,
    "context_length_exceeded": CUT,
    "model_context_window_exceeded": CUT,
    "content_filtered": WITHHELD,
    "contentfilter": WITHHELD,
    "content_policy_violation": WITHHELD,
    "guardrail_intervened": WITHHELD,
    "safety": WITHHELD,
    "image_safety": WITHHELD,
    "image_prohibited_content": WITHHELD,
    "error_toxic": WITHHELD,
    "language": WITHHELD,
    "blocked": WITHHELD,
    "guardrail": WITHHELD,
    "moderation": WITHHELD,
    "policy_violation": WITHHELD,
    "refusal": WITHHELD,
    "recitation": WITHHELD,
    "prohibited_content": WITHHELD,
    "blocklist": WITHHELD,
    "spii": WITHHELD,
    "sensitive": WITHHELD,
    "failed": FAILED,
    "abort": FAILED,
    "aborted": FAILED,
    "cancelled": FAILED,
    "canceled": FAILED,
    "user_cancel": FAILED,
    "timeout": FAILED,
    "exception": FAILED,
    "overloaded": FAILED,
    "unavailable": FAILED,
    "internal_error": FAILED,
    "network_error": FAILED,
    "server_error": FAILED,
    "tool_use_failed": FAILED,
    "insufficient_system_resource": FAILED,
    "malformed_function_call": FAILED,
    "malformed_response": FAILED,
    "malformed_tool_use": FAILED,
    "malformed_model_output": FAILED,
    "too_many_tool_calls": FAILED,
    "missing_thought_signature": FAILED,
    "unexpected_tool_call": FAILED,
}
_LIKE_CUT = re.compile(r"max_?(?:\w+_)?tokens?|tokens?_limit|length|truncat")
_LIKE_WITHHELD = re.compile(r"filter|safety|moderat|prohibit")
"""Words in reasons that nobody has told us of: what may be cut or withheld is taken for that."""
_NONE = {"", "null", "none"}


def read_reason(value: object) -> str:
    """Return a finish reason; nothing where it says none."""
    value = value.get("type") if isinstance(value, dict) else value
    if not isinstance(value, str):
        return ""
    name = value.strip().lower().replace("-", "_").replace(" ", "_").rpartition(":_")[2]
    name = name.rpartition(".")[2]  # an enum's own words: FinishReason.STOP
    if name in _NONE:
        return ""
    if name in BAD or name in _NAMES:
        return _NAMES.get(name, name)
    name = name[:REASON_CHARACTERS]
    return CUT if _LIKE_CUT.search(name) else WITHHELD if _LIKE_WITHHELD.search(name) else value.strip()


def later_reason(had: str, more: str) -> str:
    """Return which of two reasons counts, the second said behind the first."""
    if not had:
        return more
    return had if had in BAD or not more or more == FAILED else more
