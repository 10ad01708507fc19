"""More cases of the kinds in `cases.py`: other orders, places and shapes of what was reported."""

from typing import Any

import orjson
from support.saying import ANSWER, DONE, Case, Said, answer, call, calling, data, end, event, words

COUNT, FIND, CREATE = "count_orders", "find_order", "create_order"
ORDER_7, ORDER_8 = '{"number": 7}', '{"number": 8}'
USED = {"usage": {"prompt_tokens": 7, "completion_tokens": 8}}
SEVEN, EIGHT = {"number": 7}, {"number": 8}
THINK = "Hm, let me see."
Body = object
WHOLE = orjson.dumps({"choices": [{"message": {"role": "assistant", "content": ANSWER}}]})


def found(name: str, *events: bytes, asked: tuple[dict[str, Any], ...] = (SEVEN,), finish: str = "tool_calls") -> Case:
    """Return a case that finds orders, and then says so."""
    return Case(name, (b"".join(events) + end(finish), answer()), calls=((FIND, "ok"),) * len(asked), asked=asked)


def json_body(body: Body) -> Said:
    """Return a body with status 200 that is no stream."""
    return Said(orjson.dumps(body), ends="sized", content_type="application/json")


def refused(status: int, body: Body) -> Said:
    """Return a refusal."""
    return Said(orjson.dumps(body), status=status, content_type="application/json")


def failing(name: str, said: Said | bytes, code: str, *, times: int = 1) -> Case:
    """Return a case that ends in an error, after so many requests."""
    return Case(name, (said,) * times, text="", status="failed", error=code)


CALLS = [
    found("a name that grows", calling(call("find", "", call_id="a")), calling(call(FIND, ORDER_7))),
    found(
        "a name in letters",
        *(calling(call(letter, None, call_id="a" if n == 0 else None)) for n, letter in enumerate(FIND)),
        calling(call(None, ORDER_7)),
    ),
    found(
        "arguments that grow",
        calling(call(FIND, '{"num', call_id="a")),
        calling(call(None, '{"number": ')),
        calling(call(None, ORDER_7)),
    ),
    found(
        "an empty object first, then the arguments",
        calling(call(FIND, "{}", call_id="a")),
        calling(call(None, '{"num')),
        calling(call(None, 'ber": 7}')),
    ),
    found("an object twice", calling(call(FIND, SEVEN, call_id="a")), calling(call(FIND, SEVEN))),
    found("arguments encoded thrice", calling(call(FIND, orjson.dumps(orjson.dumps(ORDER_7).decode()).decode()))),
    found(
        "the name and another id in each piece",
        calling(call(FIND, '{"num', call_id="u-1")),
        calling(call(FIND, 'ber": 7}', call_id="u-2")),
    ),
    found(
        "another index in each piece",
        calling(call(FIND, '{"num', index=0, call_id="a")),
        calling(call(None, 'ber": 7}', index=1, call_id="a")),
    ),
    found(
        "the index only behind the first piece",
        calling(call(FIND, '{"num', index=None)),
        calling(call(None, 'ber": 7}', index=0)),
    ),
    found(
        "two calls whose pieces alternate under their ids",
        calling(call(FIND, '{"num', call_id="a"), call(FIND, '{"nu', call_id="b")),
        calling(call(None, 'mber": 8}', call_id="b")),
        calling(call(None, 'ber": 7}', call_id="a")),
        asked=(SEVEN, EIGHT),
    ),
    found("calls that are no list", event({"tool_calls": call(FIND, ORDER_7, call_id="a")})),
    found("a call without a function around it", calling({"index": 0, "id": "a", "name": FIND, "arguments": ORDER_7})),
    *(
        found(f"the name as {name}", calling(call(name, ORDER_7, call_id="a")))
        for name in (
            "functions.find_order:0",
            "functions:find_order",
            "default_api.find_order",
            "to=functions.find_order",
            "find_order <|constrain|>json",
        )
    ),
    found("an unknown end behind a call", calling(call(FIND, ORDER_7, call_id="a")), finish="end_turn"),
]

CUT_CALL = calling(call(CREATE, '{"item": "tea"}', call_id="a"))
ENDS = [
    *(
        Case(f"a write behind {reason}", (CUT_CALL + end(reason), answer()), calls=((CREATE, "error"),))
        for reason in ("max_tokens", "MAX_TOKENS", "model_length")
    ),
    Case(
        "a write behind length and stop",
        (CUT_CALL + event({}, "length") + end("stop"), answer()),
        calls=((CREATE, "error"),),
    ),
    *(
        failing(f"a write behind {reason}", CUT_CALL + end(reason), "model_refused")
        for reason in ("SAFETY", "content-filter", "refusal")
    ),
    *(
        failing(f"a write behind {reason}", CUT_CALL + end(reason), "model_unavailable")
        for reason in ("network_error", "insufficient_system_resource", "abort")
    ),
    Case("a malformed call, then well", (event({}, "function_call_filter: MALFORMED_FUNCTION_CALL"), answer())),
    Case("an error reason behind the end", (words() + event({}, "stop") + end("error"),), finish_reason="stop"),
    Case(
        "the word null as a finish reason",
        (event({"content": ANSWER}, "null") + end(),),
        finish_reason="stop",
    ),
]

PLACES = [
    Case("a completion without a finish reason", (Said(WHOLE, ends="sized", content_type="application/json"),)),
    Case("a completion, then cut", (Said(WHOLE, ends="cut", content_type="application/json"),)),
    Case("a completion, then silence", (Said(WHOLE, ends="held", content_type="application/json"),)),
    Case("a completion behind a BOM", (Said(b"\xef\xbb\xbf" + WHOLE, ends="sized"),)),
    Case("a completion in a list", (Said(b"[" + WHOLE + b"]", ends="sized"),)),
    Case("lines of JSON", (Said((words() + event({}, "stop")).replace(b"data: ", b"").replace(b"\n\n", b"\n")),)),
    Case("no empty lines at all", ((words() + end()).replace(b"\n\n", b"\n"),)),
    Case("data within data", (answer().replace(b"data: ", b"data: data: "),)),
    Case("done in quotes", (words() + b'data: "[DONE]"\n\n',)),
    Case("choices that are no list", (data({"choices": {"index": 0, "delta": {"content": ANSWER}}}) + end(),)),
    Case("content that is one block", (event({"content": {"type": "text", "text": {"value": ANSWER}}}) + end(),)),
    Case(
        "a second choice that nobody asked for",
        (
            words("There are ")
            + data({"choices": [{"index": 1, "delta": {"content": "No."}}]})
            + words("**42** orders.")
            + end(),
        ),
    ),
    Case("an error that says nothing", (data({"error": {"code": 0, "message": ""}}) + answer(),)),
    Case(
        "usage in the choice",
        (words() + event({}, "stop", **USED) + DONE,),
        usage=(7, 8),
    ),
    Case("usage in a gateway's field", (words() + event({}, "stop") + data({"x_groq": USED}) + DONE,), usage=(7, 8)),
]

LONG = "This model's maximum context length is 4096 tokens."
ERRORS = [
    *(
        failing(f"too long, {name}", refused(400, body), "context_too_long")
        for name, body in {
            "an error in an error": {"error": {"error": {"code": "context_length_exceeded", "message": "x"}}},
            "a list as the error": {"error": [{"message": LONG}]},
            "a list of errors": {"errors": [{"message": LONG}]},
            "validation's own shape": {"detail": [{"msg": LONG}]},
            "JSON in the message": {"error": {"message": orjson.dumps({"error": {"message": LONG}}).decode()}},
        }.items()
    ),
    *(
        failing(f"too long with status 200, {name}", json_body(body), "context_too_long")
        for name, body in {
            "a list": [{"error": {"code": 400, "message": LONG}}],
            "flat": {"object": "error", "message": LONG, "code": 400},
            "no error field": {"code": "context_length_exceeded", "message": "x"},
            "a detail": {"detail": LONG},
            "a list of errors": {"success": False, "errors": [{"code": 7003, "message": LONG}]},
        }.items()
    ),
    failing("a word in the stream", data({"error": "Rate limit reached"}), "model_rate_limited", times=3),
    failing(
        "its status beside the error",
        data({"error": {"message": "x"}, "status": 429}),
        "model_rate_limited",
        times=3,
    ),
    failing(
        "an error event that is flat",
        b"event: error\n" + data({"message": "x", "code": "rate_limit_exceeded"}),
        "model_rate_limited",
        times=3,
    ),
    failing(
        "an empty account in MiniMax's words",
        data({"choices": None, "base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}),
        "model_quota",
    ),
    failing(
        "a bad request in the stream",
        data({"error": {"message": "bad", "type": "invalid_request_error"}}),
        "model_refused",
    ),
    failing("no credits", refused(403, {"error": "Your team doesn't have any credits yet."}), "model_quota"),
    Case(
        "the model's own slip, in words",
        (refused(400, {"error": {"message": "Failed to call a function. See 'failed_generation'."}}), answer()),
    ),
]

THOUGHT = [
    *(
        Case(f"thinking in {name}", (event(delta) + answer(),), reasoning=THINK)
        for name, delta in {
            "Ollama's field": {"thinking": THINK, "content": ""},
            "Copilot's field": {"reasoning_text": THINK},
            "a summary": {"content": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": THINK}]}]},
        }.items()
    ),
    *(
        Case(
            f"thinking between {name}",
            (words(f"{opening}{THINK}{closing}{ANSWER}", pieces=9) + end(),),
            reasoning=THINK,
        )
        for name, opening, closing in (
            ("tags of reasoning", "<reasoning>", "</reasoning>\n"),
            ("arrows", "\u25c1think\u25b7", "\u25c1/think\u25b7"),
            ("channels", "<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
        )
    ),
    Case(
        "an answer that opens such a tag itself",
        (words("Put <think> before and </think> behind.", pieces=8) + end(),),
        text="Put <think> before and </think> behind.",
        reasoning="",
    ),
]

SIBLINGS = [*CALLS, *ENDS, *PLACES, *ERRORS, *THOUGHT]
