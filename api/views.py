"""Answers that more than one route gives."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from api import __version__


class Health(BaseModel):
    status: Literal["healthy"] = "healthy"
    version: str = __version__


class Readiness(BaseModel):
    status: Literal["healthy", "degraded"] = "healthy"
    version: str = __version__


class UsageView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    input_tokens: int
    output_tokens: int


class Deleted(BaseModel):
    success: bool
    message: str
