"""The error of a model of vectors that wants other texts."""

from agent.errors import FrontdeskError


class TextRefusedError(FrontdeskError):
    """A model of vectors does not want this text, or one of these; it may want others."""
