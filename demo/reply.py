"""The offline model's one decision: from messages and tools to a text, or to tool calls."""

from dataclasses import dataclass

from langchain_core.messages import BaseMessage

from agent.models.text import clean
from agent.prompt.words import SUGGESTIONS_REQUEST, TITLE_REQUEST, material_of
from demo.answer import answer, read, sheet_for
from demo.chain import Call, Chain, matches, next_call
from demo.choose import Plan, plan
from demo.files import ABOUT, told_of_files
from demo.language import human, normalised
from demo.manner import Manner, in_manner
from demo.markdown import plain
from demo.memory import OWN, asked_of_memory, from_memory, has_memory, told_of_memory
from demo.phrasebook import ABLE, IS_TABLE, LOST, MORE, NO_CHART, NO_TOOL, NO_TOOLS, NOTE, SELF
from demo.placing import wants_chart
from demo.schema import cards
from demo.score import Shelf
from demo.smalltalk import smalltalk
from demo.suggest import extract, first_sentence, suggestions, title
from demo.tongues import ENGLISH, Tongue, in_english, tongue_of
from demo.turn import Turn, read_turn

_MAX_ABILITIES, _MAX_UNPLACED = 8, 5


@dataclass(frozen=True, slots=True)
class Reply:
    """A text, or tool calls to make at once; never both."""

    text: str = ""
    calls: tuple[Call, ...] = ()


def reply(messages: list[BaseMessage], tools: object, manner: Manner = "thorough") -> Reply:
    """Return what the offline model says or asks for next."""
    turn = read_turn(messages)
    known = cards(tools)
    remembers = has_memory(known)
    shelf = Shelf(tuple(card for card in known if not (remembers and card.name in OWN)), turn.today)
    if turn.question == SUGGESTIONS_REQUEST:
        return Reply("\n".join(suggestions(shelf, used=turn.used, called=turn.called, asked=turn.questions)))
    if turn.question == TITLE_REQUEST:
        return Reply(title(next((question for question in turn.questions if question), "")))
    if material := material_of(turn.question):
        return Reply(extract(material))
    said = (_of_memory(turn) if remembers else None) or _of_files(turn) or _next(turn, shelf)
    tongue, text = tongue_of(turn.question), in_manner(clean(said.text), manner)
    if said.calls or not turn.is_first_answer or tongue.say(SELF) in said.text:
        return Reply(text, said.calls)
    return Reply(f"{text}\n\n{tongue.say(NOTE)}")


def _of_memory(turn: Turn) -> Reply | None:
    """Return what is asked of the memory, or what it answered; None where the question is about something else."""
    asked = asked_of_memory(turn.question)
    if asked is None:
        return None
    answered = next((result for result in turn.results if result.name == asked.name), None)
    return Reply(calls=(asked,)) if answered is None else Reply(told_of_memory(answered, tongue_of(turn.question)))


def _of_files(turn: Turn) -> Reply | None:
    """Return what is known of the files of a question, or of those before it where it is about such; None where it has none."""
    if turn.results or not (turn.has_new_files or ABOUT.search(turn.question)):
        return None
    told = told_of_files(turn.files, tongue_of(turn.question))
    return Reply(told) if told else None


def _next(turn: Turn, shelf: Shelf) -> Reply:
    tongue = tongue_of(turn.question)
    small = None if turn.results else smalltalk(in_english(turn.question), _abilities(shelf, ENGLISH))
    if small:
        return Reply(tongue.say(small))
    planned = plan(turn, shelf)
    if not (turn.results or planned.calls) and (remembered := from_memory(turn, tongue)):
        return Reply(remembered)
    if not turn.results:
        return Reply(calls=planned.calls) if planned.calls else Reply(_refused(planned, shelf, turn.question))
    chain = planned.chain
    if chain and not any(result.name == chain.name for result in turn.results):
        return _after_lookup(chain, turn, shelf)
    results = [result for result in turn.results if not (chain and result.name == chain.lookup.name)] or turn.results
    asked = f"{turn.question}, {planned.about}" if planned.about else turn.question
    told = answer(asked, results, shelf, who=chain.who if chain else "", locale=turn.locale)
    if wants_chart(normalised(turn.question)):
        told += f"\n\n{tongue.say(NO_CHART)}{f' {tongue.say(IS_TABLE)}' if '| --- |' in told else ''}"
    return Reply(f"{told}\n\n{_refused(planned, shelf, turn.question)}" if planned.unplaced else told)


def _after_lookup(chain: Chain, turn: Turn, shelf: Shelf) -> Reply:
    """Return the chained call if the lookup found one, and else what it found; other results are told before."""
    lookup = next((result for result in turn.results if result.name == chain.lookup.name), None)
    if lookup is None or lookup.failed:
        return Reply(answer(turn.question, turn.results, shelf, locale=turn.locale))
    fitting = matches(read(lookup.content), chain.who)
    call = next_call(chain, fitting[0]) if len(fitting) == 1 else None
    if call is not None:
        return Reply(calls=(call,))
    who = f"**{plain(chain.who)}**"
    noun = chain.template.noun if chain.template else chain.parameter.removesuffix("_id")
    found = sheet_for(shelf, turn.locale).table(fitting, noun=noun) if fitting else ""
    if not fitting:
        said = f"I found no match for {who}."
    elif len(fitting) == 1:
        said = f"I found {who}, but without an id to go on with.\n\n{found}"
    else:
        said = f"I found more than one match for {who}. Which one do you mean?\n\n{found}"
    others = answer(
        turn.question, [result for result in turn.results if result is not lookup], shelf, locale=turn.locale
    )
    return Reply(f"{others}\n\n{said}".strip())


def _refused(planned: Plan, shelf: Shelf, question: str) -> str:
    """Return why nothing is looked up or done, in the words of the question. It always says what answers here."""
    tongue = tongue_of(question)
    me = tongue.say(SELF)
    if planned.unplaced:
        lost = ", ".join(f"**{plain(tongue.original(word, question))}**" for word in planned.unplaced[:_MAX_UNPLACED])
        return f"{tongue.say(LOST).format(lost=lost)} {me}"
    if planned.wanted:
        lines = [f"{tongue.say(MORE).format(tool=plain(human(planned.wanted.name)))}\n"]
        for parameter in planned.missing:
            values = ", ".join(plain(choice.value) for choice in parameter.choices[:10])
            lines.append(f"- {plain(human(parameter.name))}{f': {values}' if values else ''}")
        return "\n".join([*lines, f"\n{me}"])
    abilities = _abilities(shelf, tongue)
    return f"{tongue.say(NO_TOOL)} {me}\n\n{abilities}" if abilities else f"{tongue.say(NO_TOOLS)} {me}"


def _abilities(shelf: Shelf, tongue: Tongue) -> str:
    """Return what the tools can do, as a short list; each line is the beginning of a description."""
    lines = [f"- {plain(first_sentence(card), 90)}" for card in shelf.cards]
    more = [f"- …and {len(lines) - _MAX_ABILITIES} more"] if len(lines) > _MAX_ABILITIES else []
    return "\n".join([f"{tongue.say(ABLE)}\n", *lines[:_MAX_ABILITIES], *more]) if lines else ""
