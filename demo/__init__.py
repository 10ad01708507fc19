"""The offline model: matches words against the bound tools, so that a first minute needs no key and no network.

    turn      messages  -> what is asked now, what came back, what was said before
    language  text      -> words, concepts, clauses, wishes      (lexicon: the word tables)
    schema    tools     -> cards with weighted concepts
    choose    question  -> a plan: calls, perhaps a chain         (score: how well a tool fits; arguments: filled from text)
    answer    results   -> Markdown                               (figures, markdown: sentences and tables; safe escapes)
    suggest   cards     -> follow-up questions, a title
    reply     all of it -> text or tool calls
    model     the same as a LangChain chat model

The invariant: it is a pure function of the messages and the tools given, it never raises on what they hold, and every
figure in an answer comes from a tool's result. It knows no concrete tool.
"""

from demo.model import DemoChatModel

__all__ = ["DemoChatModel"]
