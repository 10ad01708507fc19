"""The codes and words of providers' errors, by what they mean to a run. `refusals.py` says which counts where there are several.

Codes are in lower case. Words are looked for only where codes say too little; each stands in what a provider was seen to say.
"""

import re

TOO_LONG = {
    "context_length_exceeded",
    "context_window_exceeded",
    "string_above_max_length",
    "exceed_context_size_error",
    "model_max_prompt_tokens_exceeded",
    "request_too_large",
    "3051",
    "1261",
}
TOO_LONG_WORDS = re.compile(
    r"context[ _-]?(?:length|window|size)|contextwindow|maximum context|max(?:imum)? prompt length"
    r"|(?:prompt|input|request|messages?) (?:is|are) too (?:long|large)|prompt too long|too large for model"
    r"|input token count.{0,80}exceeds|exceeds? the (?:maximum|limit of|max).{0,40}tokens?|model token limit"
    r"|reduce the length of the (?:messages|input|prompt)|too many (?:input )?tokens|exceed max message tokens"
    r"|context limit|range of input length should be|longer than the maximum model length|input token count is \d+ but"
    r"|inputs`? (?:tokens \+|must have less than \d+ tokens)|more than max(?:imum)? tokens allowed"
    r"|(?:prompt|inputs?|tokens?|input length \d+)\W+exceeds? (?:the )?max(?:imum)?(?: input)? length"
    r"|prompt has \d+ tokens.{0,40}more than",
    re.IGNORECASE | re.DOTALL,
)
TOO_MUCH_WORDS = re.compile(r"request too large for .{1,160}\b(?:TPM|tokens per min)", re.IGNORECASE | re.DOTALL)
"""A single request is more than may be sent in a minute: it is no better in the next one."""
QUOTA = {
    "insufficient_quota",
    "billing_hard_limit_reached",
    "billing_not_active",
    "insufficient_balance",
    "insufficient_credits",
    "payment_required",
    "credit_balance_too_low",
    "servicequotaexceededexception",
    "exceeded_current_quota_error",
    "budget_exceeded",
    "arrearage",
    "accountoverdueerror",
    "billing_error",
    "1113",
}
QUOTA_WORDS = re.compile(
    r"insufficient (?:balance|credits?|funds|quota)|credit balance is too low|(?:no|any|out of|all available) credits"
    r"|spending limit|past invoices|overdue balance|budget has been exceeded|account is in good standing",
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
    "sensitivecontentdetected",
    "datainspectionfailed",
    "1301",
}
WITHHELD_WORDS = re.compile(
    r"content management policy|content[ _]?policy|content[ _]?filter|contentpolicyviolation|was flagged"
    r"|content exists risk|prohibited[ _]content|(?:inappropriate|sensitive) (?:content|information)|blocked.{0,40}safety"
    r"|violat\w+ (?:our |the )?(?:usage|content|safety) (?:guidelines|polic)|blocked by .{0,20}guardrail|considered high risk",
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
    "organization_restricted",
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
    "rate_limited",
    "ratelimitreached",
    "ratelimitexceeded",
}
RATE_WORDS = re.compile(r"rate[ -]?limit|too many requests|(?:request|qps) limit reached", re.IGNORECASE)
PACE_WORDS = re.compile(
    r"tokens?(?: per |/)(?:min|hour|day|second)|too many tokens.{0,20}(?:please wait|per )|\bTPM\b", re.IGNORECASE
)
"""Of tokens in a time: words that else say that a request is too long."""
MISSING = {
    "model_not_found",
    "model_decommissioned",
    "not_found_error",
    "not_found",
    "invalid_model",
    "deploymentnotfound",
    "resourcenotfoundexception",
    "resource_not_found_error",
    "model_not_available",
    "model_not_supported",
    "unknown_model",
    "1211",
}
MISSING_WORDS = re.compile(
    r"model not (?:exist|found)|(?:not a valid|invalid|unknown|unsupported) model\b|unable to access model"
    r"|model identifier is invalid|the model .{1,160} does not exist",
    re.IGNORECASE | re.DOTALL,
)
ELSEWHERE = {404, 405, 410}
REFUSED = {"invalid_request_error", "invalid_argument", "badrequesterror", "validationexception"}
"""The kinds of errors that are no better in the next try, where no status says so."""
SLIPS = {"tool_use_failed", "tool_call_failed", "malformed_function_call", "invalid_tool_call", "json_validate_failed"}
"""The model's own mistakes: another try may go well."""
SLIP_WORDS = re.compile(r"failed to (?:call|parse) a? ?(?:function|tool)|failed_generation", re.IGNORECASE)
BUSY = {"overloaded_error", "overloaded", "server_error", "capacity_exceeded", "service_unavailable", "timeout"}
BUSY_WORDS = re.compile(r"model (?:has )?(?:unloaded|crashed)|loading model|currently loading", re.IGNORECASE)
TRANSIENT = {408, 409, 424, 425, 498, 499}
MINIMAX = {
    1002: "rate_limit_exceeded",
    1004: "invalid_api_key",
    1008: "insufficient_balance",
    1026: "content_filter",
    1027: "content_filter",
    1039: "tokens_limit_reached",
    2013: "invalid_argument",
    2049: "invalid_api_key",
    2056: "requests_limit_reached",
}
"""MiniMax's own numbers, which mean nothing elsewhere."""
