"""A choice among many tools, for each step of a run.

    selector   sources, what was heard  -> what the step is offered        (topic: when an earlier choice stays)
    catalogue  a list of tools          -> what is known of it, made once
    ranking    a question               -> the tools that fit it, best first, by words
    embedding  a question               -> the same, by meaning, where there is a model
    words      a text                   -> words, stems, languages         (lexicon: words that mean the same)

The invariant: nothing is named or offered that the sources do not hold for the principal who asks. numpy is
imported only where meanings are asked for.
"""
