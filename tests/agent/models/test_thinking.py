"""Thinking told from an answer by its tags: nothing of either is lost, and the reading takes what its length needs."""

import time

import pytest

from agent.models.thinking import MOST_BLANK, ThinkTags

TURKISH = "İSTANBUL, İZMİR. "
SPOKEN_OF = "`<think>` opens it, `</think>` closes it. "


def told(*pieces: str) -> tuple[str, str]:
    """Return the answer and the thinking in a text that comes in these pieces."""
    tags = ThinkTags()
    answer, thinking = "", ""
    for part in (part for some in ([*map(tags.feed, pieces), tags.flush()]) for part in some):
        match part.kind:
            case "retract":
                answer, thinking = "", thinking + answer
            case "text":
                answer += part.text
            case _:
                thinking += part.text
    return answer, thinking


@pytest.mark.parametrize(
    ("text", "answer", "thinking"),
    [
        (f"<think>{TURKISH}</think>Evet, İyi.", "Evet, İyi.", TURKISH),
        (f"{TURKISH}</think>Evet, İyi.", "Evet, İyi.", TURKISH),
        (f"<THINK>{TURKISH}<think>İ</Think>Evet.", "Evet.", f"{TURKISH}<think>İ"),
        (f"{TURKISH}`</think>` İ `x` [1] <b>", f"{TURKISH}`</think>` İ `x` [1] <b>", ""),
        (f"{TURKISH}\u25c1/think\u25b7Evet.", "Evet.", TURKISH),
        (SPOKEN_OF * 300, SPOKEN_OF * 300, ""),
        ("`" + "<think>" * 300, "`" + "<think>" * 300, ""),
        (f"{' ' * 3 * MOST_BLANK}<think>Hm.</think>Yes.", "Yes.", "Hm."),
        (f"{' ' * 3 * MOST_BLANK}Yes.", f"{' ' * 3 * MOST_BLANK}Yes.", ""),
    ],
)
def test_whatever_stands_around_a_tag_nothing_is_lost_of_the_answer_or_the_thinking(
    text: str, answer: str, thinking: str
) -> None:
    """G662: letters that are longer in lower case, a thousand tags that are spoken of, white space before any."""
    for pieces in ([text], list(text), [text[: len(text) // 2], text[len(text) // 2 :]]):
        said, thought = told(*pieces)
        assert (said.lstrip() if answer == "Yes." else said, thought) == (answer, thinking)


@pytest.mark.parametrize("unit", ["\n", "<think></think>", "<think>", "`<think>", SPOKEN_OF, "</think>", "<", "[x] "])
def test_tags_are_read_in_time_that_goes_with_the_text(unit: str) -> None:
    """G662: seconds of a processor for what took minutes."""
    text = (unit * 200_000)[:200_000]
    for pieces in ([text], text if text.isspace() else text[:20_000]):
        begun = time.process_time()
        told(*pieces)
        assert time.process_time() - begun < 5
