"""A page whose server dies in mid-answer and comes back."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect
from support.backend import TenantBackend
from support.embedding import OpenWidget
from support.host import Host
from support.processes import QUICK, Machine, Nursery
from support.provider import Provider
from support.steady_port import front_door
from support.tabs import CHAT, said, shows
from support.world import SECRET, sign, write_assistant


@pytest.fixture
async def mortal(
    nursery: Nursery, tmp_path: Path, host: Host, provider: Provider, backend: TenantBackend
) -> AsyncIterator[Machine]:
    """A server of its own, which may be killed."""
    machine = Machine(
        tmp_path,
        {
            **QUICK,
            "FRONTDESK_DATA": str(tmp_path / "data"),
            "FRONTDESK_ASSISTANT": str(write_assistant(tmp_path)),
            "FRONTDESK_BACKEND_URL": backend.url,
            "FRONTDESK_JWT_SECRET": SECRET,
            "FRONTDESK_CORS_ORIGINS": f'["{host.url}"]',
            "OPENAI_BASE_URL": provider.url,
            "NO_PROXY": "*",
        },
        nursery,
    )
    await machine.start()
    yield machine
    await machine.stop()


async def test_a_server_that_is_killed_in_mid_answer_and_comes_back_loses_nothing_that_was_said(
    mortal: Machine, provider: Provider, open_widget: OpenWidget
) -> None:
    """Killed with -9: what was made stays there, it is told what became of it, and the next message is answered."""
    never = asyncio.Event()
    provider.wait_for(never, "never", before=["As far as here "])
    provider.say("From the beginning to the end.")
    token = sign({"tenant_id": "acme", "sub": "ann"})
    async with front_door(lambda: mortal.url) as url:
        widget = await open_widget(url, token=token, attributes={"open": ""})
        await widget.ask("one")
        await shows(widget, "one", "As far as here ")
        assert mortal.server is not None
        await mortal.server.kill()
        await expect(widget.page.locator(".notice")).to_be_visible()
        await mortal.start()
        await widget.becomes(f"{CHAT}.view.phase === 'idle' && {CHAT}.view.connection === 'online'")
        await expect(widget.page.locator(".streaming")).to_have_count(0)
        shown = await said(widget)
        assert shown[0] == "one"
        assert shown[1].startswith("As far as here") or shown[1] == "From the beginning to the end."
        if provider.scripts:
            await widget.ask("two")
            await expect(widget.answers.last.locator(".markdown")).to_have_text("From the beginning to the end.")
        before = await said(widget)
        await widget.page.reload()
        await shows(widget, *before)
        await widget.page.close()
        widget.forgive("")  # whatever a browser says of a server that is away
