"""The choice among many tools, for each step of a run, and `find_tools`, by which a model gets others.

A choice follows from the tools and the transcript. What is remembered of conversations beside that only lets a choice stay
where the transcript that a model reads no longer reaches back to its beginning.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from agent.assistant.selection import Selection
from agent.errors import ToolError
from agent.principal import Principal
from agent.toolkit import FIND_TOOLS, CallContext, Choice, Heard, Tool, Turn
from agent.wording import wordings
from tools.selection.catalogue import Catalogue, Catalogues, tokens_of
from tools.selection.embedding import Embedding
from tools.selection.ranking import MAX_RANKED, SHORT, Question, Ranking
from tools.selection.topic import GROWN, called_lately, fresh, grown, interleaved, page_text, stays

MOST_IN_ALL = 120
"""Tools in one request, whatever was found: providers refuse more than 128."""
FOUND_AT_ONCE = 10
LINE = 160
"""Characters of a found tool's description."""
QUERY = 300
"""Characters of a query that count."""
MAX_REMEMBERED = 2000
"""Conversations of which the last choice is remembered."""
MAX_TURNS = 16
"""Turns of a transcript that a choice is made from."""

FIND = "Look for tools that you were not given. Those found can be called from your next step on."
QUERY_WORDS = "What is to be done, in a few English words, like: refund a payment"
NOTHING = "No tool fits that. Say it in other words, in English."
FOUND = "Found. You can call them from now on:"
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"query": {"type": "string", "description": QUERY_WORDS}},
    "required": ["query"],
    "additionalProperties": False,
}
WORDINGS = wordings(
    "Looking for a way",
    "Looked for a way",
    {
        "de": ("Sucht einen Weg", "Weg gesucht"),
        "es": ("Buscando una manera", "Manera buscada"),
        "pt": ("Procurando um jeito", "Jeito procurado"),
    },
)


class ToolSelector:
    """Chooses for one assistant."""

    def __init__(self, definition: Selection, embedding: Embedding | None = None) -> None:
        self._definition = definition
        self._embedding = embedding
        self._room = definition.budget_tokens - tokens_of(_finder(None))
        self._catalogues = Catalogues(budget_tokens=definition.budget_tokens, synonyms=definition.synonyms)
        self._remembered: OrderedDict[tuple[str, UUID], tuple[str, ...]] = OrderedDict()

    async def choose(
        self,
        principal: Principal,
        sources: Sequence[Sequence[Tool]],
        hear: Callable[[], Heard],
        *,
        before: Sequence[str] = (),
        are_new: bool = True,
    ) -> Choice | None:
        """Return what the next step is offered; None where all there is fits into the budget."""
        catalogue = await self._catalogues.of(principal, sources)
        if catalogue.ranking is None:
            return None
        heard = hear()
        begun = await self._begin(principal, catalogue, catalogue.ranking, heard) if are_new else ()
        named = heard.turns[-1].named if heard.turns else ()
        had = [name for name in before if name != FIND_TOOLS]
        names = grown(had or begun, [*begun, *named], catalogue, most=MOST_IN_ALL)
        self._remember(principal, heard, names)
        offered = [catalogue.tools[name] for name in names]
        if FIND_TOOLS in catalogue.tools:
            return Choice(offered)
        return Choice([_finder(self._find(catalogue, catalogue.ranking, frozenset(names))), *offered])

    async def _begin(self, principal: Principal, catalogue: Catalogue, ranking: Ranking, heard: Heard) -> Sequence[str]:
        """Return what the current turn begins with: the choice of the turn before, where it stays."""
        turns = list(heard.turns[-MAX_TURNS:])
        here = [catalogue.names[number] for number in ranking.places(page_text(heard.page), most=MAX_RANKED)]
        remembered = self._recall(principal, heard)
        chosen: Sequence[str] = remembered or ()
        asked: Question | None = None
        for number, turn in enumerate(turns):
            asked = ranking.question(turn.question, asked)
            if remembered and number < len(turns) - 1:
                continue
            texts = [one.question for one in turns[max(0, number - 1) : number + 1]]
            text = "\n".join(texts) if asked.words <= SHORT else turn.question
            ranked = await self._rank(principal, catalogue, ranking, asked, text)
            if not (chosen and self._may_stay(catalogue, chosen) and stays(ranked, chosen)):
                chosen = self._fresh(catalogue, ranked, turns[:number], here)
            if number < len(turns) - 1:
                chosen = grown(chosen, turn.named, catalogue, most=MOST_IN_ALL)
        return chosen or self._fresh(catalogue, (), (), here)

    def _may_stay(self, catalogue: Catalogue, chosen: Collection[str]) -> bool:
        few = len(chosen) <= GROWN * (self._definition.at_most + len(catalogue.always))
        return few and catalogue.size(chosen) <= GROWN * self._room

    def _fresh(
        self, catalogue: Catalogue, ranked: Sequence[str], before: Sequence[Turn], here: Sequence[str]
    ) -> list[str]:
        return fresh(
            catalogue,
            ranked,
            lately=called_lately(before),
            here=here,
            budget_tokens=self._room,
            at_most=self._definition.at_most,
        )

    async def _rank(
        self, principal: Principal, catalogue: Catalogue, ranking: Ranking, asked: Question, text: str
    ) -> list[str]:
        numbers = ranking.rank(asked)
        if self._embedding is not None:
            near = await self._embedding.rank(principal, catalogue, text, is_foreign=asked.is_foreign, most=MAX_RANKED)
            numbers = interleaved(numbers, near)
        return [catalogue.names[number] for number in numbers]

    def _find(self, catalogue: Catalogue, ranking: Ranking, offered: Collection[str]) -> Any:
        async def find(context: CallContext, arguments: Mapping[str, Any]) -> object:
            query = arguments.get("query")
            if not isinstance(query, str) or not query.strip():
                raise ToolError("Give query: what is to be done, in a few English words.")
            asked = query[:QUERY]
            ranked = await self._rank(context.principal, catalogue, ranking, ranking.question(asked), asked)
            found = [name for name in ranked if name not in offered][:FOUND_AT_ONCE]
            had = [name for name in ranked[:FOUND_AT_ONCE] if name in offered]
            said = [FOUND, *(_line(catalogue.tools[name]) for name in found)] if found else [NOTHING]
            return "\n".join([*said, f"You have already: {', '.join(had)}." if had else ""]).strip()

        return find

    def _recall(self, principal: Principal, heard: Heard) -> tuple[str, ...] | None:
        if heard.conversation_id is None:
            return None
        return self._remembered.get((principal.tenant_id, heard.conversation_id))

    def _remember(self, principal: Principal, heard: Heard, names: Sequence[str]) -> None:
        if heard.conversation_id is None:
            return
        key = principal.tenant_id, heard.conversation_id
        self._remembered[key] = tuple(names)
        self._remembered.move_to_end(key)
        if len(self._remembered) > MAX_REMEMBERED:
            self._remembered.popitem(last=False)


def _finder(find: Any) -> Tool:
    return Tool(FIND_TOOLS, FIND, SCHEMA, find, kind="own", wordings=WORDINGS)


def _line(tool: Tool) -> str:
    about = " ".join(tool.description.split())
    return f"- {tool.name}: {about if len(about) <= LINE else about[: LINE - 1] + '…'}"
