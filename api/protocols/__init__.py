"""Wire formats: how clients read a run's log. `PROTOCOLS` is all of them, by name; adding one is one line here."""

from api.protocols import ai_sdk, native
from api.protocols.contract import WireProtocol

PROTOCOLS: dict[str, WireProtocol] = {one.name: one for one in (native.PROTOCOL, ai_sdk.PROTOCOL)}
