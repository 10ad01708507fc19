"""The demo model's one decision: from messages and tools to a text, or to tool calls."""

from dataclasses import dataclass

from langchain_core.messages import BaseMessage

from agent.models.text import clean
from agent.prompts import SUGGESTIONS_REQUEST, TITLE_REQUEST
from demo.answer import answer, read
from demo.chain import Call, Chain, matches, next_call
from demo.choose import Plan, plan
from demo.language import human
from demo.markdown import plain, table
from demo.schema import Card, cards
from demo.score import Shelf
from demo.smalltalk import smalltalk
from demo.suggest import suggestions, title
from demo.turn import Turn, read_turn

NOTE = (
    "*Answered by Frontdesk's built-in demo model, which only matches words. "
    "Connect a real model for real conversations.*"
)
"""The last line of a conversation's first answer."""

_LOST = "I did not find a tool for that: I am the built-in demo model, which only matches words, not a language model."
_MOST_ABILITIES = 8


@dataclass(frozen=True, slots=True)
class Reply:
    """A text, or tool calls to make at once; never both."""

    text: str = ""
    calls: tuple[Call, ...] = ()


def reply(messages: list[BaseMessage], tools: object) -> Reply:
    """Return what the demo model says or asks for next."""
    turn, shelf = read_turn(messages), Shelf(cards(tools))
    if turn.question == SUGGESTIONS_REQUEST:
        return Reply("\n".join(suggestions(shelf, used=turn.used, called=turn.called, asked=turn.questions)))
    if turn.question == TITLE_REQUEST:
        return Reply(title(next((question for question in turn.questions if question), "")))
    said = _next(turn, shelf)
    if said.calls or not turn.is_first_answer or NOTE in said.text:
        return Reply(clean(said.text), said.calls)
    return Reply(f"{clean(said.text)}\n\n{NOTE}")


def _next(turn: Turn, shelf: Shelf) -> Reply:
    small = None if turn.results else smalltalk(turn.question, _abilities(shelf))
    if small:
        return Reply(small)
    planned = plan(turn.question, shelf, earlier=turn.questions[-1] if turn.questions else "")
    if not turn.results:
        return Reply(calls=planned.calls) if planned.calls else Reply(_cannot(planned, shelf))
    chain = planned.chain
    if chain and not any(result.name == chain.name for result in turn.results):
        return _after_lookup(chain, turn, shelf)
    results = [result for result in turn.results if not (chain and result.name == chain.lookup)] or turn.results
    return Reply(answer(turn.question, results, shelf, who=chain.who if chain else ""))


def _after_lookup(chain: Chain, turn: Turn, shelf: Shelf) -> Reply:
    lookup = next((result for result in turn.results if result.name == chain.lookup), None)
    if lookup is None or lookup.failed:
        return Reply(answer(turn.question, turn.results, shelf))
    data, _ = read(lookup.content)
    fitting = matches(data, chain.who)
    call = next_call(chain, fitting[0]) if len(fitting) == 1 else None
    if call is not None:
        return Reply(calls=(call,))
    others = [result for result in turn.results if result is not lookup]
    before = f"{answer(turn.question, others, shelf)}\n\n" if others else ""
    if not fitting:
        return Reply(f"{before}I found no match for **{plain(chain.who)}**.")
    if len(fitting) == 1:
        return Reply(f"{before}I found **{plain(chain.who)}**, but without an id to go on with.\n\n{table(fitting)}")
    return Reply(
        f"{before}I found more than one match for **{plain(chain.who)}**. Which one do you mean?\n\n{table(fitting)}"
    )


def _cannot(planned: Plan, shelf: Shelf) -> str:
    if planned.wanted:
        return _asking(planned.wanted, planned)
    abilities = _abilities(shelf)
    return f"{_LOST}\n\n{abilities}" if abilities else f"I have no tools here.\n\n{NOTE}"


def _asking(card: Card, planned: Plan) -> str:
    wanted = []
    for parameter in planned.missing:
        values = ", ".join(plain(choice.value) for choice in parameter.choices[:10])
        wanted.append(f"- {plain(human(parameter.name))}{f': {values}' if values else ''}")
    return f"To {plain(card.wording)} I need to know more. Please say it in one message:\n\n" + "\n".join(wanted)


def _abilities(shelf: Shelf) -> str:
    """Return what the tools can do, as a short list; each line is the beginning of a description."""
    said = [_first_sentence(card) for card in shelf.cards]
    kept = said[:_MOST_ABILITIES]
    more = f"\n- …and {len(said) - len(kept)} more" if len(said) > len(kept) else ""
    return "Here is what I can do:\n\n" + "\n".join(f"- {line}" for line in kept) + more if kept else ""


def _first_sentence(card: Card) -> str:
    text = card.description.strip() or human(card.name)
    cut = min((at for mark in (". ", ": ", "; ", "\n", " (") if (at := text.find(mark)) > 0), default=len(text))
    line = plain(text[:cut].rstrip("."), 90)
    return line[:1].upper() + line[1:]
