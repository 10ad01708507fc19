"""The demo over HTTP and the studio behind it, and how a question to it may end."""

import re
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx2

from api.auth import sign
from api.settings import Settings


@dataclass(frozen=True)
class End:
    """How a question ends: what is used for it, as `tool` or `action=value`, and what its answer says.

    A fact is a path of the studio's API and a key of what it returns; a piece of text stands in the answer as it is.
    """

    used: list[str] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    says: list[str] = field(default_factory=list)


class Desk:
    """The demo over HTTP, and the studio behind it."""

    def __init__(self, url: str, settings: Settings) -> None:
        self.url, self._settings = url, settings

    def client(self, who: str) -> httpx2.AsyncClient:
        tenant, user = who.split("/")
        token = sign(self._settings, tenant=tenant, user=user, role=user, branch=None, ttl_s=900)
        headers = {"Authorization": f"Bearer {token}"}
        return httpx2.AsyncClient(base_url=self.url, headers=headers, timeout=60, verify=False)

    async def talk(self, who: str, questions: list[str]) -> list[dict[str, Any]]:
        """Return the answers to the questions of one conversation, of somebody who says yes to what they asked for."""
        answers: list[dict[str, Any]] = []
        async with self.client(who) as client:
            for question in questions:
                known = {"conversation_id": answers[0]["conversation_id"]} if answers else {}
                post: dict[str, Any] = {
                    "json": {"message": question, **known},
                    "headers": {"Idempotency-Key": uuid4().hex},
                }
                answer = (await client.post("/chat", **post)).json()
                for approval in answer.get("approvals", ()):
                    yes = {"tool_call_id": approval["tool_call_id"], "approve": True}
                    await client.post(f"/runs/{answer['run_id']}/decisions", json=yes)
                    answer = (await client.post("/chat", **post)).json()
                answers.append(answer)
        return answers

    async def found(self, who: str, path: str) -> dict[str, Any]:
        """Return what the studio's API says at the path."""
        async with self.client(who) as client:
            answer: dict[str, Any] = (await client.get(f"/studio{path}")).json()
            return answer

    async def figure(self, who: str, path: str, key: str) -> float:
        """Return a figure of that; of a list of rows the first one's."""
        answer = await self.found(who, path)
        rows: list[dict[str, Any]] = next((value for value in answer.values() if isinstance(value, list)), [{}])
        return float(answer[key] if key in answer else rows[0][key])


def used(answer: dict[str, Any]) -> list[str]:
    """Return what was used, actions as `name=value`, in the alphabet's order."""
    return sorted([*answer["tools_used"], *(f"{one['type']}={one['value']}" for one in answer["actions"])])


def stands_in(figure: float, text: str) -> bool:
    """Return whether a figure stands in the text by itself, however its thousands and cents are written."""
    said = re.findall(r"(?<![\w.,])[\d,]+(?:\.\d+)?(?![\w])", text)
    return figure in {float(one.replace(",", "")) for one in said if one.strip(",")}
