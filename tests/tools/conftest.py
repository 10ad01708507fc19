"""A tool call's context, and the backend as such a call sees it."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from support.backend import TenantBackend

from agent.principal import Credential, Principal
from agent.toolkit import CallContext
from tools.backends.backend import Backend, BackendSession

ANN = Principal("acme", "ann", role="owner", credential=Credential("ann's-token"))


@pytest.fixture
def context() -> CallContext:
    return CallContext(ANN, UUID(int=1), "call-1", 3)


@pytest.fixture
async def client(backend: TenantBackend) -> AsyncIterator[Backend]:
    async with Backend(backend.url) as client:
        yield client


@pytest.fixture
async def session(client: Backend, context: CallContext) -> BackendSession:
    return client.session(context)
