"""Which models are asked where one fails, as a definition says it."""

from collections.abc import Collection
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from agent.assistant.model import Definition, in_full


def _once_each(names: tuple[str, ...]) -> tuple[str, ...]:
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"{twice} is there twice")
    return names


class Fallback(Definition):
    """Which models are asked where one fails. In a definition `true` alone, or a list of names, stands for one with these `models`."""

    models: Literal[True] | Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_once_each)] = Field(
        default=True, description="names, in the order in which they are asked; true: all of the list, but for `demo`"
    )
    restart: bool = Field(
        default=False,
        description="whether another one begins a step again of which something was said; False: the run fails there",
    )

    @property
    def names(self) -> tuple[str, ...]:
        """The models that it names; none where it means all."""
        return () if self.models is True else self.models


def check_named(place: str, names: Collection[str], own: Collection[str]) -> None:
    """Raise ValueError where a part of the definition names models that are not the assistant's own."""
    if strange := sorted({*names} - {*own}):
        raise ValueError(f"{place}: {', '.join(strange)} is not among models")


def _of_names(value: object) -> object:
    return {"models": value} if isinstance(value, list | tuple) else in_full(value)


FallbackOrNone = Annotated[Fallback | None, BeforeValidator(_of_names)]
