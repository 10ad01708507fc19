"""(b) The usual stack, as the documentation of its parts puts it together; without auth, ids, resume or limits.

ChatOpenAI in a LangGraph graph with ToolNode, `stream_mode="messages"`, the SQLite checkpointer, and sse-starlette.
"""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import httpx2
from fastapi import FastAPI
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from pydantic import BaseModel, SecretStr
from sse_starlette import EventSourceResponse

from bench.fastapi_passthrough import serve

PERSONA = "You help the staff of a shop."


class Ask(BaseModel):
    """The body of a client's request."""

    message: str
    thread_id: str


class Seed(BaseModel):
    """A conversation to be made up."""

    thread_id: str
    messages: int


def build(upstream: str, saver: AsyncSqliteSaver, backend: httpx2.AsyncClient) -> Any:
    """Return the compiled graph."""

    @tool
    async def count_items() -> str:
        """Count the items."""
        return (await backend.get("/items/count")).text

    model = ChatOpenAI(
        model="bench", base_url=f"{upstream}/v1", api_key=SecretStr("none"), stream_usage=True
    ).bind_tools([count_items])

    async def agent(state: MessagesState) -> dict[Literal["messages"], list[BaseMessage]]:
        return {"messages": [await model.ainvoke([SystemMessage(PERSONA), *state["messages"]])]}

    graph = StateGraph(MessagesState)
    graph.add_node("agent", agent)
    graph.add_node("tools", ToolNode([count_items]))
    graph.add_edge(START, "agent")
    graph.add_conditional_edges("agent", tools_condition)
    graph.add_edge("tools", "agent")
    return graph.compile(checkpointer=saver)


def create_app(upstream: str, folder: Path) -> FastAPI:
    """Return the app; its checkpoints are in `folder`."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with (
            AsyncSqliteSaver.from_conn_string(str(folder / "checkpoints.db")) as saver,
            httpx2.AsyncClient(base_url=upstream) as backend,
        ):
            app.state.graph = build(upstream, saver, backend)
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/chat")
    async def chat(ask: Ask) -> EventSourceResponse:
        return EventSourceResponse(_events(app.state.graph, ask))

    @app.post("/seed")
    async def seed(wanted: Seed) -> dict[str, bool]:
        said = [
            HumanMessage(f"Question {n}?") if n % 2 else AIMessage(f"Answer {n}.")
            for n in range(1, wanted.messages + 1)
        ]
        await app.state.graph.aupdate_state(_config(wanted.thread_id), {"messages": said}, as_node="agent")
        return {"success": True}

    return app


def _config(thread_id: str) -> RunnableConfig:
    return {"configurable": {"thread_id": thread_id}}


async def _events(graph: Any, ask: Ask) -> AsyncIterator[dict[str, str]]:
    asked = {"messages": [HumanMessage(ask.message)]}
    async for message, _ in graph.astream(asked, _config(ask.thread_id), stream_mode="messages"):
        if isinstance(message, AIMessageChunk) and message.content:
            yield {"data": json.dumps({"token": message.content})}
    yield {"data": "[DONE]"}


if __name__ == "__main__":
    serve(create_app(sys.argv[1], Path(sys.argv[2])))
