"""How many tokens a reply took, in the words of its provider."""

from collections.abc import Mapping
from typing import Any

from agent.events.schema import Usage

DETAILS = "prompt_tokens_details", "input_tokens_details"
OUTPUT_DETAILS = "completion_tokens_details", "output_tokens_details"
KEPT = "cached_tokens", "prompt_cache_hit_tokens", "cache_read_input_tokens"
NAMES = ("prompt_tokens", "input_tokens"), ("completion_tokens", "output_tokens")
MOST_BYTES = 16 * 1024
"""Of what a provider says of its usage, about; of more only the numbers that are counted here are kept."""


def counted(usage: Mapping[str, Any]) -> Usage | None:
    """Return a provider's usage; what is no whole number costs nothing. None where it counted nothing.

    Thinking that stands beside the answer's tokens, as only the total tells, is output: xAI and Gemini count so. A total stands for
    one of two counts that is not there.
    """
    found = [next((usage[name] for name in either if name in usage), None) for either in NAMES]
    if found == [None, None]:
        return None
    had = Usage(*map(_whole, found))
    rest = _whole(usage.get("total_tokens")) - had.input_tokens - had.output_tokens
    if rest <= 0 or (None not in found and rest != _thinking(usage, rest)):
        return had
    return had + (Usage(0, rest) if had.input_tokens else Usage(rest, 0))  # no prompt has none


def only_counted(usage: Mapping[str, Any]) -> dict[str, Any]:
    """Return a provider's usage without all that is not counted, of which there may be any amount."""
    numbers = {name: _whole(usage[name]) for name in (*NAMES[0], *NAMES[1], "total_tokens", *KEPT) if name in usage}
    details = {name: one for name in (*DETAILS, *OUTPUT_DETAILS) if isinstance(one := usage.get(name), Mapping)}
    counts = "cached_tokens", "reasoning_tokens"
    return numbers | {
        name: {count: _whole(one[count]) for count in counts if count in one} for name, one in details.items()
    }


def _thinking(usage: Mapping[str, Any], rest: int) -> int:
    """Return how many tokens of thinking a provider counted; all of the `rest` where it says nothing in detail."""
    details = next((one for name in OUTPUT_DETAILS if isinstance(one := usage.get(name), Mapping)), None)
    if details is not None:
        return _whole(details.get("reasoning_tokens"))
    return rest if usage.keys() <= {"prompt_tokens", "completion_tokens", "total_tokens"} else 0


def cached_in(usage: Mapping[str, Any]) -> int:
    """Return how many of the input tokens the provider had kept from earlier requests, under the names that there are for it."""
    details = next((one for name in DETAILS if isinstance(one := usage.get(name), Mapping)), {})
    found = [details.get("cached_tokens"), *(usage.get(name) for name in KEPT)]
    said = counted(usage)
    return min(max(map(_whole, found)), said.input_tokens if said else 0)


def _whole(value: object) -> int:
    if isinstance(value, str) and value.isdecimal() and len(value) < 11:
        value = int(value)
    is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return int(value) if is_whole and not isinstance(value, bool) and 0 <= value < 2**31 else 0  # type: ignore[call-overload, operator]
