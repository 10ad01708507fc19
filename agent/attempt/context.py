"""The instructions that an attempt's model is told first: the assistant's, with what was looked up for this turn."""

import asyncio
from collections.abc import Sequence

from langchain_core.messages import SystemMessage

from agent.assistant.definition import Assistant
from agent.attempt.offer import ask_toolset
from agent.attempt.stop import Stopper
from agent.context.gathering import NOTHING, Contexts, Told, Tools, Turn
from agent.context.memories import NOTHING as NO_MEMORIES
from agent.context.memories import Remembered
from agent.principal import Principal
from agent.prompt.history import UNTRUSTED
from agent.prompt.words import system_prompt
from agent.store.runs import Run
from agent.toolkit import Toolset, by_name


async def look_up(
    contexts: Contexts | None,
    assistant: Assistant,
    assistant_id: str,
    toolsets: Sequence[Toolset],
    stopper: Stopper,
    *,
    owner: Principal,
    run: Run,
    question: str,
) -> Told:
    """Return what a turn is told of its tenant, and what is remembered that fits its question; nothing, where it has no tools, as visitors have none.

    Raises:
        StoppedError: the run was stopped meanwhile.
    """
    if contexts is None or not toolsets:
        return NOTHING

    async def tools_of(caller: Principal) -> Tools:
        limit_s = assistant.limits.toolset_timeout_s
        return by_name([await ask_toolset(one, caller, timeout_s=limit_s) for one in toolsets])[0]

    branch_id = owner.branch_id if run.branch_id is None else run.branch_id
    turn = Turn(owner, assistant_id, run.id, branch_id, run.region)

    async def gathered() -> Told:
        if not assistant.context:
            return NOTHING
        return await contexts.gather(assistant.context, turn, tools_of, most_bytes=assistant.limits.context_bytes)

    async def recalled() -> Remembered:
        if assistant.memory is None or contexts.memories is None:
            return NO_MEMORIES
        return await contexts.memories.recall(assistant.memory, owner, question)

    if not assistant.context and assistant.memory is None:
        return NOTHING
    with stopper.stoppable():
        told, memories = await asyncio.gather(gathered(), recalled())
    return told._replace(memories=memories)


def instructions(assistant: Assistant, owner: Principal, told: Told) -> SystemMessage:
    """Return what the model reads first; it carries whether anybody may have written something of it."""
    beside = {UNTRUSTED: True} if told.is_untrusted else {}
    return SystemMessage(system_prompt(assistant, owner, told.text), additional_kwargs=beside)
