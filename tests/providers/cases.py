"""The cases: each follows a public report of what a provider sent, or is derived from the code that reads it.

Named after what is odd about them. A case that never failed stands here too: it must not begin to.
"""

import time
from email.utils import formatdate
from typing import Any

import orjson
from support.saying import ANSWER, DONE, Case, Said, answer, bare, call, calling, data, end, event, usage, words

COUNT = "count_orders"
FIND = "find_order"
CREATE = "create_order"
THINK = "The user wants the count."
ORDER_7 = '{"number": 7}'
ORDER_8 = '{"number": 8}'
ok = "ok"


def error(status: int, body: object, headers: dict[str, str] | None = None) -> Said:
    """Return a refusal with this body."""
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return Said(raw, status=status, content_type="application/json", headers=headers or {})


def failing(
    name: str, said: Said | bytes, code: str, *, times: int = 1, text: str = "", report: str = "", **more: Any
) -> Case:
    """Return a case that ends in an error."""
    return Case(name, (said,) * times, text=text, status="failed", error=code, report=report, **more)


def one_call(name: str, *events: bytes, finish: bytes | None = None, made: str = COUNT, **more: Any) -> Case:
    """Return a case with a step that asks for one call, and then an answer."""
    step = b"".join(events) + (end("tool_calls") if finish is None else finish)
    return Case(name, (step, answer()), calls=((made, ok),), **more)


def steps(name: str, *said: Said | bytes, calls: tuple[tuple[str, str], ...], **more: Any) -> Case:
    """Return a case of several steps."""
    return Case(name, said, calls=calls, **more)


PLAIN = [
    Case(
        "first chunk without choices",
        (data({"choices": [], "prompt_filter_results": []}) + answer(),),
        report="openai-python#1677",
    ),
    Case(
        "chunks without a delta in the middle",
        (
            words("There are ")
            + bare(finish_reason=None, content_filter_offsets={"check_offset": 0}) * 2
            + words("**42** orders.")
            + end(),
        ),
        report="autogen#6465",
    ),
    Case(
        "the finishing chunk has a null delta",
        (words() + bare(delta=None, finish_reason="stop") + DONE,),
        report="any-llm#657",
    ),
    Case("the finishing chunk has no delta", (words() + bare(finish_reason="stop") + DONE,), report="any-llm#657"),
    Case(
        "the last chunk repeats the whole message",
        (words() + bare(message={"role": "assistant", "content": ANSWER}, finish_reason="stop") + DONE,),
        report="any-llm#657",
    ),
    Case(
        "the last chunk repeats the whole message beside an empty delta",
        (words() + bare(delta={}, message={"role": "assistant", "content": ANSWER}, finish_reason="stop") + DONE,),
    ),
    Case("an empty role", (event({"role": "", "content": ANSWER}) + end(),), report="MiniMax-M2.5#2"),
    Case("cut behind done", (Said(words() + end(), ends="cut"),), report="openai_trtllm#31"),
    Case("cut behind the finish, without done", (Said(words() + event({}, "stop"), ends="cut"),)),
    Case("all at once, then cut", (Said(words() + usage(3, 4) + end(), ends="cut"),)),
    Case("no done at all", (words() + event({}, "stop"),), report="perplexity#209"),
    Case("no empty line before the end", (words() + event({}, "stop").rstrip(b"\n") + b"\n",)),
    Case("no line end before the end", (words() + event({}, "stop").rstrip(b"\n"),)),
    Case("done without a finish reason", (words() + DONE,), report="openclaw#98575"),
    Case("usage and done without a finish reason", (words() + usage(7, 8) + DONE,), usage=(7, 8), report="pi#7441"),
    Case("held open behind the finish", (Said(words() + event({}, "stop"), ends="held"),)),
    Case(
        "held open behind the finish and usage",
        (Said(words() + event({}, "stop") + usage(7, 8), ends="held"),),
        usage=(7, 8),
    ),
    Case("empty heartbeats before", (b"data:\n\n" * 3 + answer(),), report="cadis#362"),
    Case(
        "empty heartbeats between",
        (words("There are ") + b"data:\n\n" + words("**42** orders.") + end(),),
        report="wave-agent#1326",
    ),
    Case("done with blanks", (words() + event({}, "stop") + b"data: [DONE] \n\n",)),
    Case("done with blanks and no finish reason", (words() + b"data:  [DONE]  \n\n",)),
    Case("comments between", (b": OPENROUTER PROCESSING\n\n" * 5 + answer(),), report="openai-go#227"),
    Case(
        "BOM, CRLF, no blank, other lines, cut every 3 bytes",
        (
            Said(
                b"\xef\xbb\xbf" + answer().replace(b"data: ", b"event: message\nid: 1\ndata:").replace(b"\n", b"\r\n"),
                split=3,
            ),
        ),
    ),
    Case("the whole stream with a length", (Said(answer(), ends="sized"),)),
    Case("labelled as JSON", (Said(answer(), content_type="application/json"),)),
    Case(
        "a very long event",
        (event({"content": "x" * 150_000}, logprobs=None, padding="y" * 800_000) + end(),),
        text="x" * 150_000,
    ),
    Case(
        "a completion instead of a stream",
        (
            Said(
                orjson.dumps(
                    {
                        "object": "chat.completion",
                        "choices": [
                            {"index": 0, "message": {"role": "assistant", "content": ANSWER}, "finish_reason": "stop"}
                        ],
                        "usage": {"prompt_tokens": 7, "completion_tokens": 8},
                    },
                    option=orjson.OPT_INDENT_2,
                ),
                ends="sized",
                content_type="application/json",
            ),
        ),
        usage=(7, 8),
    ),
    Case(
        "infinite logprobs",
        (
            b'data: {"choices":[{"index":0,"delta":{"content":"Hi"},"logprobs":{"content":[{"logprob":-Infinity}]}}]}\n\n'
            + end(),
        ),
        text="Hi",
    ),
    Case(
        "a byte that is no UTF-8",
        (words("There are ") + event({"content": "X"}).replace(b'"X"', b'"\xff"') + end(),),
        text="There are \ufffd",
    ),
    Case(
        "a message where the delta belongs",
        (bare(message={"role": "assistant", "content": ANSWER}, finish_reason="stop") + DONE,),
    ),
    Case(
        "an empty finish reason in each chunk",
        (event({"content": ANSWER}, "") + event({}, "") + end(),),
        report="ollama#4357",
    ),
    Case("a delta of another role", (event({"role": "user", "content": ""}) + answer(),)),
    Case(
        "pings as words and null",
        (b"data: ping\n\ndata: null\n\n" + words("There are ") + b"data: ping\n\n" + words("**42** orders.") + end(),),
    ),
    Case("pings as numbers, lists and texts", (b'data: 1\n\ndata: []\n\ndata: "x"\n\ndata: true\n\n' + answer(),)),
    Case("pings as JSON", (data({"type": "ping"}) * 2 + answer(),), report="copilot-api#88"),
    Case("null choices", (data({"choices": None}) + data({"choices": {}}) + data({"choices": [None]}) + answer(),)),
    Case("garbage behind the end", (words() + event({}, "stop") + b"data: {broken\n\n" + DONE,)),
    Case(
        "an error behind the end",
        (words() + event({}, "stop") + data({"error": {"message": "late", "code": 500}}) + DONE,),
    ),
    Case("odd usage behind the end", (words() + event({}, "stop") + usage(5.5, "n/a", total_tokens=-1) + DONE,)),
    Case(
        "content as blocks of text",
        (
            event({"content": [{"type": "text", "text": "There are "}, {"type": "text", "text": "**42** orders."}]})
            + end(),
        ),
    ),
    Case("a refusal field", (event({"refusal": "I cannot."}) + end(),), text="I cannot."),
    Case(
        "stopped by the filter behind some words",
        (words("Half an answer") + end("content_filter"),),
        text="Half an answer",
        finish_reason="content_filter",
    ),
    Case("an unknown finish reason", (words() + end("eos_token"),), finish_reason="eos_token"),
]

AGAIN = [
    Case("an empty answer, then a good one", (end(), answer())),
    Case("finish reason tool_calls and none there", (end("tool_calls"), answer())),
    Case("finish reason error with nothing said", (end("error"), answer()), report="cherry-studio#16079"),
    Case(
        "an error in a choice",
        (bare(delta={}, error={"code": 502, "message": "x"}) + DONE, answer()),
        report="genkit#6079",
    ),
    Case(
        "an error chunk with empty choices",
        (data({"choices": [], "error": {"code": 502, "message": "x"}}) + DONE, answer()),
        report="OmniRoute#8210",
    ),
    Case("event: error", (b"event: error\n" + data({"error": {"type": "tool_use_failed", "message": "x"}}), answer())),
    Case(
        "the model's own slip as 400",
        (error(400, {"error": {"code": "tool_use_failed", "message": "x", "failed_generation": "y"}}), answer()),
        report="smolagents#1119",
    ),
    Case("529, then 503", (error(529, {"error": {"type": "overloaded_error"}}), error(503, b""), answer())),
    Case("498", (error(498, {"error": {"message": "capacity exceeded"}}), answer())),
    Case("a gateway's page, then well", (error(502, b"<html>context</html>"), answer())),
    Case("a page with 200, then well", (Said(b"<html>Hello</html>", content_type="text/html", ends="sized"), answer())),
    Case(
        "stream options refused",
        (
            error(422, {"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]}),
            answer(),
        ),
        check=lambda requests: _usage_is_asked_for_once(requests),
        report="openai-agents-python#442",
    ),
]

CALLS = [
    one_call("one call", calling(call(COUNT, "{}", call_id="a"))),
    one_call(
        "the name in every delta",
        calling(call(COUNT, "{", call_id="a")),
        calling(call(COUNT, "", call_id="a")),
        calling(call(COUNT, "}", call_id="a")),
        report="hermes-agent#8259",
    ),
    steps(
        "the name again in the last delta, two calls",
        calling(call(FIND, "", call_id="a"))
        + calling(call(None, ORDER_7))
        + calling(call(FIND, "", call_id="a"))
        + calling(call(COUNT, "", index=1, call_id="b"))
        + calling(call(None, "{}", index=1))
        + calling(call(COUNT, "", index=1, call_id="b"))
        + end("tool_calls"),
        answer(),
        calls=((FIND, ok), (COUNT, ok)),
        asked=({"number": 7}, {}),
        report="open-webui#22177",
    ),
    one_call(
        "the id first, then the name",
        calling(call(None, None, call_id="a")),
        calling(call(COUNT, "{}")),
        report="vercel/ai#14722",
    ),
    steps(
        "two calls at index 0 without ids",
        calling(call(FIND, ORDER_7, call_id="")) + calling(call(FIND, ORDER_8, call_id="")) + end(),
        answer(),
        calls=((FIND, ok), (FIND, ok)),
        asked=({"number": 7}, {"number": 8}),
        report="hermes-agent#62940",
    ),
    steps(
        "two calls with one id",
        calling(call(FIND, ORDER_7, call_id="x"), call(FIND, ORDER_8, index=1, call_id="x")) + end("tool_calls"),
        answer(),
        calls=((FIND, ok), (FIND, ok)),
        asked=({"number": 7}, {"number": 8}),
        report="llama.cpp#27966",
    ),
    steps(
        "the second call's arguments under the first's index",
        calling(call(FIND, ORDER_7, call_id="a")) + calling(call("", ORDER_8)) + end("tool_calls"),
        answer(),
        calls=((FIND, ok), (FIND, ok)),
        asked=({"number": 7}, {"number": 8}),
        report="lens#49",
    ),
    steps(
        "no index at all",
        calling(call(FIND, ORDER_7, index=None, call_id="a"), call(COUNT, "{}", index=None, call_id="b"))
        + end("tool_calls"),
        answer(),
        calls=((FIND, ok), (COUNT, ok)),
        report="ollama#7881",
    ),
    one_call(
        "pieces with their id and no index",
        *(
            calling(call(FIND if n == 0 else None, piece, index=None, call_id="a"))
            for n, piece in enumerate(('{"num', 'ber": ', "7}"))
        ),
        made=FIND,
        asked=({"number": 7},),
    ),
    one_call(
        "another id in each piece",
        *(
            calling(call(FIND if n == 0 else None, piece, call_id=f"u-{n}"))
            for n, piece in enumerate(("", '{"number":', " 7}"))
        ),
        made=FIND,
        asked=({"number": 7},),
        report="litellm#28223",
    ),
    steps(
        "gaps in the indexes",
        calling(call(FIND, ORDER_7, index=1, call_id="a"), call(COUNT, "{}", index=3, call_id="b")) + end("tool_calls"),
        answer(),
        calls=((FIND, ok), (COUNT, ok)),
    ),
    one_call(
        "finish reason stop with calls",
        calling(call(COUNT, "{}", call_id="a")),
        finish=end("stop"),
        report="cursor-byok#391",
    ),
    one_call(
        "calls in the finishing chunk",
        event({"tool_calls": [call(COUNT, "{}", call_id="a")]}, "tool_calls"),
        finish=DONE,
    ),
    one_call("done behind a whole call, no finish reason", calling(call(COUNT, "{}", call_id="a")), finish=DONE),
    one_call("empty arguments", calling(call(COUNT, "", call_id="a")), report="vercel/ai#6687"),
    one_call("arguments that are the word null", calling(call(COUNT, "null", call_id="a"))),
    one_call(
        "null arguments",
        calling({"index": 0, "id": "a", "function": {"name": COUNT, "arguments": None}}),
        report="langchain#34242",
    ),
    one_call(
        "arguments encoded twice",
        calling(call(FIND, orjson.dumps(ORDER_7).decode(), call_id="a")),
        made=FIND,
        asked=({"number": 7},),
        report="quarkus-langchain4j#2642",
    ),
    one_call(
        "arguments as an object",
        calling(call(FIND, {"number": 7}, call_id="a")),
        made=FIND,
        asked=({"number": 7},),
        report="llama.cpp#20198",
    ),
    one_call(
        "the arguments, then all of them again",
        calling(call(FIND, '{"number"', call_id="a")),
        calling(call(None, ": 7}")),
        calling(call(None, ORDER_7)),
        made=FIND,
        asked=({"number": 7},),
        report="open-webui#22235",
    ),
    one_call(
        "the call, then all of it again in the end",
        calling(call(FIND, ORDER_7, call_id="a")),
        calling(call(FIND, ORDER_7, call_id="a")),
        made=FIND,
        asked=({"number": 7},),
    ),
    one_call(
        "a channel token behind the name",
        calling(call(f"{COUNT}<|channel|>commentary", "{}", call_id="a")),
        report="ollama#12132",
    ),
    one_call("functions. before the name", calling(call(f"functions.{COUNT}", "{}", call_id="a")), report="vllm#42454"),
    one_call("an index as a word", calling(call(COUNT, "{}", index="0", call_id="a"))),
    one_call("a call without its function", calling({"index": 0, "id": "a"}), calling(call(COUNT, "{}"))),
    one_call(
        "the old function_call",
        event({"function_call": {"name": COUNT, "arguments": ""}}),
        event({"function_call": {"arguments": "{}"}}),
        finish=end("function_call"),
    ),
    Case(
        "words beside a call",
        (event({"content": "Let me look."}) + calling(call(COUNT, "{}", call_id="a")) + end("tool_calls"), answer()),
        calls=((COUNT, ok),),
        text=f"Let me look.\n\n{ANSWER}",
    ),
    steps(
        "a call without a name is none",
        calling(call(COUNT, "{}", call_id="a"), call("", "", index=1, call_id="b")) + end("tool_calls"),
        answer(),
        calls=((COUNT, ok),),
    ),
]

BAD_ENDS = [
    steps(
        "a write at the length limit",
        calling(call(CREATE, '{"item": "tea"}', call_id="a")) + end("length"),
        answer(),
        calls=((CREATE, "error"),),
        check=lambda requests: _told(requests[1], "cut"),
        report="tracker#507",
    ),
    steps(
        "arguments cut at the length limit",
        calling(call(FIND, '{"num', call_id="a")) + end("length"),
        answer(),
        calls=((FIND, "error"),),
        check=lambda requests: _told(requests[1], "cut"),
    ),
    steps(
        "cut behind the name",
        calling(call(COUNT, "", call_id="a")) + end("length"),
        answer(),
        calls=((COUNT, "error"),),
        check=lambda requests: _told(requests[1], "cut"),
    ),
    failing(
        "a write behind the content filter",
        calling(call(CREATE, '{"item": "tea"}', call_id="a")) + end("content_filter"),
        "model_refused",
    ),
    failing(
        "half an answer and finish reason error",
        words("Half an answer") + end("error"),
        "model_unavailable",
        text="Half an answer",
        report="cherry-studio#16079",
    ),
    failing(
        "an error chunk with finish reason error",
        words("Half")
        + data(
            {
                "error": {"code": 502, "message": "x"},
                "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}],
            }
        )
        + DONE,
        "model_unavailable",
        text="Half",
        report="local-operator#223",
    ),
    failing("withheld whole", end("content_filter"), "model_refused"),
]

TOO_LONG: dict[str, tuple[int, object]] = {
    "OpenAI": (
        400,
        {
            "error": {
                "message": "This model's maximum context length is 128000 tokens.",
                "code": "context_length_exceeded",
            }
        },
    ),
    "vLLM, flat": (
        400,
        {
            "object": "error",
            "message": "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens",
            "type": "BadRequestError",
            "code": 400,
        },
    ),
    "vLLM, wrapped": (
        400,
        {
            "error": {
                "message": "This model's maximum context length is 4096 tokens. However, ...",
                "type": "BadRequestError",
                "param": None,
                "code": 400,
            }
        },
    ),
    "llama.cpp": (
        400,
        {
            "error": {
                "code": 400,
                "message": "the request exceeds the available context size, try increasing it",
                "type": "exceed_context_size_error",
                "n_ctx": 4096,
            }
        },
    ),
    "llama.cpp, before it had a type": (
        500,
        {
            "error": {
                "code": 500,
                "message": "the request exceeds the available context size. try increasing the context size",
                "type": "server_error",
            }
        },
    ),
    "Anthropic": (
        400,
        {"error": {"type": "invalid_request_error", "message": "prompt is too long: 210000 tokens > 200000 maximum"}},
    ),
    "Gemini": (
        400,
        [
            {
                "error": {
                    "code": 400,
                    "message": "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
                    "status": "INVALID_ARGUMENT",
                }
            }
        ],
    ),
    "OpenRouter": (
        400,
        {
            "error": {
                "code": 400,
                "message": "This endpoint's maximum context length is 131072 tokens. However, you requested about 200000 tokens",
            }
        },
    ),
    "Mistral": (
        400,
        {
            "object": "error",
            "message": "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
            "type": "invalid_request_invalid_args",
            "code": "3051",
        },
    ),
    "LiteLLM": (
        400,
        {
            "error": {
                "message": "litellm.ContextWindowExceededError: litellm.BadRequestError: x",
                "type": None,
                "param": None,
                "code": "400",
            }
        },
    ),
    "Groq": (
        400,
        {
            "error": {
                "message": "Please reduce the length of the messages or completion.",
                "type": "invalid_request_error",
                "code": "context_length_exceeded",
            }
        },
    ),
    "LM Studio": (
        400,
        {"error": "The number of tokens to keep from the initial prompt is greater than the context length"},
    ),
    "Ollama": (400, {"error": {"message": "prompt too long; exceeded max context length by 12 tokens"}}),
    "xAI": (
        400,
        {
            "code": "Client specified an invalid argument",
            "error": "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
        },
    ),
    "Bedrock": (400, {"message": "Input is too long for requested model."}),
    "payload too large": (413, b"<html>413</html>"),
}

ERRORS = [
    *(
        failing(f"too long: {name}", error(status, body), "context_too_long")
        for name, (status, body) in TOO_LONG.items()
    ),
    failing(
        "too long, with status 200",
        Said(
            orjson.dumps({"error": {"code": "context_length_exceeded", "message": "x"}}),
            ends="sized",
            content_type="application/json",
        ),
        "context_too_long",
    ),
    failing(
        "rate limited inside the stream",
        data({"error": {"code": 429, "message": "x", "metadata": {"retry_after": 40}}, "choices": []}),
        "model_rate_limited",
    ),
    failing(
        "an empty account",
        error(
            429,
            {
                "error": {
                    "message": "You exceeded your current quota",
                    "type": "insufficient_quota",
                    "code": "insufficient_quota",
                }
            },
        ),
        "model_quota",
    ),
    failing("payment required", error(402, {"error": {"message": "Insufficient credits", "code": 402}}), "model_quota"),
    failing(
        "a key refused",
        error(401, {"error": {"message": "Incorrect API key provided: sk-abc", "code": "invalid_api_key"}}),
        "model_unauthorized",
    ),
    failing(
        "a key refused by Gemini with 400",
        error(
            400,
            [
                {
                    "error": {
                        "code": 400,
                        "message": "API key not valid. Please pass a valid API key.",
                        "status": "INVALID_ARGUMENT",
                        "details": [{"reason": "API_KEY_INVALID"}],
                    }
                }
            ],
        ),
        "model_unauthorized",
    ),
    failing(
        "a limit's hint as a date",
        error(
            429,
            {"error": {"code": "rate_limit_exceeded"}},
            {"Retry-After": formatdate(time.time() + 7200, usegmt=True)},
        ),
        "model_rate_limited",
    ),
    failing(
        "a limit's hint of LiteLLM",
        error(429, {"error": {"code": "429"}}, {"llm_provider-retry-after": "40"}),
        "model_rate_limited",
    ),
    failing(
        "a limit's hint in milliseconds",
        error(429, {"error": {"code": "429"}}, {"retry-after-ms": "40000"}),
        "model_rate_limited",
    ),
    failing(
        "a limit's hint in the body",
        error(
            429,
            [
                {
                    "error": {
                        "code": 429,
                        "status": "RESOURCE_EXHAUSTED",
                        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "39s"}],
                    }
                }
            ],
        ),
        "model_rate_limited",
    ),
    failing(
        "a limit's hint in words",
        error(429, {"error": {"message": "Rate limit reached. Please try again in 41.5s.", "type": "tokens"}}),
        "model_rate_limited",
    ),
    failing(
        "the model's tokens all spent on thinking",
        event({"reasoning_content": "Hm, let me see"}) + end("length"),
        "model_refused",
        reasoning="Hm, let me see",
    ),
    failing(
        "content refused with 400",
        error(
            400,
            {
                "error": {
                    "code": "content_filter",
                    "message": "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
                }
            },
        ),
        "model_refused",
    ),
]

THINKING = [
    Case(
        "think tags in the text",
        (
            b"".join(event({"content": piece}) for piece in ("<th", "ink>\n", THINK, "\n</thi", "nk>\n", "\n", ANSWER))
            + end(),
        ),
        reasoning=f"\n{THINK}\n",
        report="lmstudio-bug-tracker#1569",
    ),
    Case("think tags in one piece", (words(f"<think>{THINK}</think>{ANSWER}", pieces=1) + end(),), reasoning=THINK),
    Case("other tags", (words(f"[THINK]{THINK}[/THINK]\n\n{ANSWER}", pieces=7) + end(),), reasoning=THINK),
    Case(
        "only the closing tag",
        (words(f"{THINK}\n</think>\n\n{ANSWER}", pieces=9) + end(),),
        reasoning=f"{THINK}\n",
        report="Qwen3-VL#1504",
    ),
    Case(
        "an answer that speaks of the tags",
        (words("Write `<think>` and then `</think>`.", pieces=11) + end(),),
        text="Write `<think>` and then `</think>`.",
        reasoning="",
    ),
    Case(
        "thinking blocks",
        (
            event(
                {
                    "content": [
                        {
                            "type": "thinking",
                            "thinking": [
                                {"type": "text", "text": "A greeting"},
                                {"type": "text", "text": ", I think."},
                            ],
                        }
                    ]
                }
            )
            + answer(),
        ),
        reasoning="A greeting, I think.",
        report="litellm#16272",
    ),
    Case(
        "both fields of thinking",
        (event({"reasoning": THINK, "reasoning_content": THINK}) + answer(),),
        reasoning=THINK,
    ),
    Case(
        "thinking details alone",
        (event({"reasoning_details": [{"type": "reasoning.text", "text": THINK, "index": 0}]}) + answer(),),
        reasoning=THINK,
    ),
]

USAGE = [
    Case(
        "the running total with each chunk",
        (
            b"".join(
                data(
                    {
                        "choices": [{"index": 0, "delta": {"content": piece}}],
                        "usage": {"prompt_tokens": 100, "completion_tokens": n},
                    }
                )
                for n, piece in enumerate(("There are ", "**42** ", "orders."), 1)
            )
            + data(
                {
                    "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
                    "usage": {"prompt_tokens": 100, "completion_tokens": 3},
                }
            )
            + DONE,
        ),
        usage=(100, 3),
        report="agno#6058",
    ),
    Case(
        "usage twice",
        (
            words()
            + data(
                {
                    "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
                    "usage": {"prompt_tokens": 7, "completion_tokens": 8},
                }
            )
            + usage(7, 8)
            + DONE,
        ),
        usage=(7, 8),
    ),
    Case(
        "usage beside the finish",
        (
            words()
            + data(
                {
                    "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
                    "usage": {"prompt_tokens": 7, "completion_tokens": 8},
                }
            )
            + DONE,
        ),
        usage=(7, 8),
    ),
    Case(
        "usage that is null, empty, full of nulls",
        (
            data({"choices": [], "usage": None})
            + data({"choices": [], "usage": {}})
            + words()
            + usage(None, None)
            + end(),
        ),
        usage=(0, 0),
    ),
    Case(
        "usage of fractions, words and less than nothing",
        (words() + event({}, "stop") + usage(5.5, "n/a") + DONE,),
        usage=(0, 0),
    ),
    Case(
        "usage, then an empty one",
        (words() + event({}, "stop") + usage(7, 8) + data({"choices": [], "usage": {}}) + DONE,),
        usage=(7, 8),
    ),
]


def _usage_is_asked_for_once(requests: list[dict[str, Any]]) -> None:
    assert ["stream_options" in request for request in requests] == [True, False]


def _told(request: dict[str, Any], word: str) -> None:
    results = [message["content"] for message in request["messages"] if message["role"] == "tool"]
    assert results
    assert all(word in result for result in results), results


CASES = [*PLAIN, *AGAIN, *CALLS, *BAD_ENDS, *ERRORS, *THINKING, *USAGE]
