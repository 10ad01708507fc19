"""Signals that processes send each other, on their way."""

from uuid import UUID

from support.each import each

from agent.principal import RunKey
from agent.runs.signals import Signal, _pack, _unpack

RUN, CONVERSATION = UUID(int=1), UUID(int=2)


@each("tenant_id", ["acme", "acme west", " ", "a{b}:c", "müller"])
@each("conversation_id", [None, CONVERSATION])
def test_a_signal_arrives_as_it_was_sent_whatever_its_tenant_is_called(
    tenant_id: str, conversation_id: UUID | None
) -> None:
    signal = Signal("free", RunKey(tenant_id, RUN), conversation_id)
    assert _unpack(_pack(signal)) == signal
