"""The example that is made from a document alone: its stand-in for an API, and its definition, with a small document."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from support.backend import TenantBackend
from support.documents import document
from support.provider import Call, Provider
from support.serving import serve
from support.studio import Token
from support.world import SECRET, open_world

from api.settings import Settings
from examples.cloud.backend import stand_in

DEFINITION = Path(__file__).parents[2] / "examples" / "cloud" / "assistant.yaml"


def answers(code: str, schema: Any = None, **media: Any) -> dict[str, Any]:
    content = {"application/json": {**({"schema": schema} if schema is not None else {}), **media}}
    return {"responses": {code: {"description": "It.", "content": content}}}


PLANT = {
    "type": "object",
    "properties": {
        "id": {"type": "integer", "example": 7},
        "name": {"type": "string"},
        "state": {"enum": ["seed", "tree"]},
        "seen": {"type": "string", "format": "date"},
        "parents": {"type": "array", "items": {"$ref": "#/components/schemas/Plant"}},
    },
}
GARDEN = document(
    {
        "/plants": {
            "get": {"operationId": "list_plants", **answers("200", example={"plants": [{"id": 1}], "total": 1})},
            "post": {"operationId": "create_plant", **answers("201", {"$ref": "#/components/schemas/Plant"})},
        },
        "/plants/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}],
            "get": {"operationId": "get_plant", **answers("200", {"$ref": "#/components/schemas/Plant"})},
            "delete": {"operationId": "delete_plant", "responses": {"204": {"description": "Gone."}}},
        },
        "/plants/newest": {
            "get": {
                "operationId": "get_newest_plant",
                **answers(
                    "200",
                    {"allOf": [{"$ref": "#/components/schemas/Plant"}, {"properties": {"age": {"type": "integer"}}}]},
                ),
            }
        },
    },
    components={"schemas": {"Plant": PLANT}},
)


@pytest.fixture
def garden(tmp_path: Path) -> Path:
    path = tmp_path / "garden.json"
    path.write_text(json.dumps(GARDEN))
    return path


@asynccontextmanager
async def client_of(path: Path, bearer: str, secret: str) -> AsyncIterator[httpx2.AsyncClient]:
    headers = {"Authorization": f"Bearer {bearer}"}
    async with serve(stand_in(path, secret)) as url, httpx2.AsyncClient(base_url=url, headers=headers) as client:
        yield client


async def test_the_stand_in_answers_every_operation_as_its_document_says(
    garden: Path, settings: Settings, token: Token
) -> None:
    async with client_of(garden, token(sub="ann"), settings.secret) as client:
        assert (await client.get("/plants")).json() == {"plants": [{"id": 1}], "total": 1}
        plant = (await client.get("/plants/3")).json()
        assert (plant["id"], plant["name"], plant["state"], plant["seen"]) == (7, "a text", "seed", "2026-01-31")
        assert plant["parents"][0]["parents"][0]["id"] == 7, "a schema that holds itself ends somewhere"
        assert (await client.get("/plants/3")).json() == plant
        assert (await client.get("/plants/newest")).json()["age"] == 1
        assert (await client.post("/plants", json={})).status_code == 201
        gone = await client.delete("/plants/3")
        assert (gone.status_code, gone.content) == (204, b"")
        assert (await client.get("/animals")).status_code == 404


@pytest.mark.parametrize("secret", ["another secret that is long enough for a key", None])
async def test_the_stand_in_answers_nobody_without_a_token_of_this_installation(
    garden: Path, settings: Settings, token: Token, secret: str | None
) -> None:
    bearer = token(sub="ann") if secret else "no token"
    async with client_of(garden, bearer, secret or settings.secret) as client:
        assert (await client.get("/plants")).status_code == 401


async def test_a_document_is_enough_for_an_answer(
    garden: Path, tmp_path: Path, provider: Provider, backend: TenantBackend
) -> None:
    said = yaml.safe_load(DEFINITION.read_text("utf-8"))
    toolsets = [{**said["toolsets"][0], "openapi": str(garden)}]
    async with serve(stand_in(garden, SECRET)) as api:
        definition = {**said, "backend": {"url": api}, "toolsets": toolsets, "models": ["openai:scripted"]}
        async with open_world(tmp_path, provider, backend, assistant=definition, backend_url=None) as world:
            provider.call(Call("get_plant", {"id": 3}))
            provider.say("It is a seed.")
            assert (await world.person().stream("What is plant 3?")).text == "It is a seed."
    offered = {tool["function"]["name"] for tool in provider.requests[0]["tools"]}
    assert {"list_plants", "get_plant", "get_newest_plant"} <= offered
    assert offered.isdisjoint({"create_plant", "delete_plant"})
    assert json.loads(provider.requests[1]["messages"][-1]["content"])["state"] == "seed"
