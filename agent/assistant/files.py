"""The files that an assistant takes of its users, and gives them."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from agent.assistant.model import Definition, in_full

FileKind = Literal["text", "markdown", "csv", "pdf", "docx", "xlsx", "pictures"]
EVERY_KIND: tuple[FileKind, ...] = ("text", "markdown", "csv", "pdf", "docx", "xlsx", "pictures")


class Files(Definition):
    """Files of users, and of tools. In a definition `true` alone stands for one with all defaults."""

    types: tuple[FileKind, ...] = Field(
        default=EVERY_KIND,
        min_length=1,
        description="kinds that are taken; all but text, markdown and csv need the extra `frontdesk[files]`",
    )
    text_share: float = Field(
        default=0.3,
        gt=0,
        le=0.7,
        description="of a model's context, for the text of files; what has no room is cut, and that is said",
    )
    pictures: int = Field(
        default=10,
        ge=0,
        le=50,
        description="that a model with the ability `vision` is shown of a conversation: the newest",
    )
    picture_bytes: int = Field(
        default=12 * 1024 * 1024,
        ge=1024,
        description="of these together: providers refuse larger requests, and each is held while its model answers",
    )

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len(set(self.types)) < len(self.types):
            raise ValueError("types: a kind is there twice")
        return self


FilesOrNone = Annotated[Files | None, BeforeValidator(in_full)]
