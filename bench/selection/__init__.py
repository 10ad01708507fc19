"""The data of the benchmark of tool selection: a pool of operations, and questions that say which of them they want.

`tools.json` holds 460 operations of seven public documents (`scripts/documents` fetches them): payments, accounting, tickets,
meetings and telephones, servers, music and source code, as a large business product has them side by side, near-duplicates
among them. An operation is named by its document, its method and its path.

`questions.json` holds over five hundred questions as users ask an assistant. `wants` names every operation of the pool with
which the question can be answered at once: each alone is enough. Where an id must be looked up first, only the operation that
does what was asked counts.

`queries.json` holds for each question, word for word, what a model would ask `find_tools`: what the tool should do, in a few
English words. They were written by hand from the questions alone, without sight of `wants` and before the ranker was read, but by
somebody who knows what such products call things, as large models do.

How the questions came to be: written by hand by a reader of the documents before there was a ranker, one by one, without templates; then
the English ones were looked at again beside the operations of the pool that use the same words, and what else is a fair answer
was added. Some have typing errors, as users make them.
`python -m bench.selection.check` reads the documents and says whether the kinds are true:

- `shared`: a question that uses words of a wanted operation's summary and name;
- `paraphrase`: a question that has at most one content word in common with each wanted operation. In Portuguese, Spanish, German
  and Hindi it is `shared` if a word happens to be the same.

Questions and queries measure; nothing is made from them. No ranker, list of synonyms, description, weight or stop word may be derived
from them or tuned on them, and none may be changed because a ranker misses it. A label that is wrong is mended in a commit of its
own, which says what the document says.
"""
