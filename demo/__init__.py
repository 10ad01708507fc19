"""The offline model: matches words against the bound tools, so that a first minute needs no key and no network.

    turn      messages  -> what is asked now, what came back, what was said before
    language  text      -> words, concepts, clauses, wishes      (lexicon: the word tables)
    schema    tools     -> cards with weighted concepts
    clues     question  -> names, numbers and quoted words that can be arguments
    choose    question  -> a plan: calls, perhaps a chain         (score: how well a tool fits; arguments: filled from text;
                                                                   chain: a lookup, and the call that needs its id)
    placing   question  -> what it names and a call does not answer, which is refused by name
    times     question  -> the days that it names, as dates
    followup  question  -> what "her" and "them" stand for, from what was found before
    tongues   text      -> English words; refusals and names of figures in four other languages (phrasebook: their words)
    memory    question  -> what is to be remembered, told or forgotten
    files     messages  -> what is known of the files that came with them
    smalltalk question  -> greetings, and what the assistant is
    answer    results   -> Markdown                               (markdown: tables, lists, safe escapes; formats: locales)
    manner    text      -> the same in few lines
    suggest   cards     -> follow-up questions, a title
    reply     all of it -> text or tool calls
    model     the same as a LangChain chat model

The invariant: it is a pure function of the messages and the tools given, it never raises on what they hold, every
figure in an answer comes from a tool's result, and none answers less than was asked. It knows no concrete tool.
"""

from demo.model import DemoChatModel

__all__ = ["DemoChatModel"]
