"""`frontdesk audit`, what it does: the record is compared with its seals, or printed. Who runs the installation reads its database anyway."""

import json
import re
from uuid import UUID

from agent.errors import ConfigurationError
from agent.origin import Origin, origin
from agent.principal import OPERATOR, Principal
from agent.store.audit import AuditCursor, AuditFilter, Deed, Recorded, list_audit, record, recorded_runs
from agent.store.database import EVERY_TENANT, Store
from agent.store.verifying import KEPT_SEAL, Verified, has_seal, recorded_tenants, verify_tenant
from api.audit_views import recorded_view
from api.operator.opened import opened
from api.settings import Settings
from api.terminal.shown import HIDDEN, visible

AT_ONCE = 500


async def print_verified(settings: Settings, tenant: str | None, head: str | None) -> bool:
    """Print what is wrong with the record, and each tenant's newest seal; return whether nothing is.

    Raises:
        ConfigurationError: the seal that was kept is none, or names no tenant.
    """
    if head is not None and (tenant is None or not re.fullmatch(KEPT_SEAL, head)):
        raise ConfigurationError("--head: give NUMBER:DIGEST, together with --tenant")
    number, _, digest = (head or "").partition(":")
    async with opened(settings) as store:
        async with store.read(EVERY_TENANT) as connection:
            tenants = [tenant] if tenant is not None else await recorded_tenants(connection)
        is_well = True
        for one in tenants:
            found = await verify_tenant(store, one)
            _print_tenant(one, found)
            is_well &= not found.problems
        if head is not None and tenant is not None:
            async with store.read(tenant) as connection:
                if not await has_seal(connection, tenant, number=int(number), digest=digest):
                    print(f"{tenant}: seal {number} is not the one that was kept")
                    is_well = False
        return is_well


async def print_record(
    settings: Settings, tenant: str, *, run: str | None, tool: str | None, user: str | None, kind: str | None
) -> None:
    """Print the deeds that are asked for, in order, as JSON lines.

    With a tool's name all deeds of the conversations in which it was called: what led to the call, too.

    Raises:
        ConfigurationError: the run's id is none.
    """
    try:
        run_id = UUID(run) if run else None
    except ValueError:
        raise ConfigurationError("--run: not the id of a run") from None
    origin.set(Origin())
    async with opened(settings) as store:
        async with store.write(tenant) as connection:
            asked = {"run": run, "tool": tool, "user": user, "kind": kind}
            read = Deed("audit.read", OPERATOR, words={"asked": {n: v for n, v in asked.items() if v}})
            await record(connection, Principal(tenant, OPERATOR), [read])
        found = await _all(store, tenant, AuditFilter(user, run_id, tool, kind))
        if tool is not None:
            found = [one for each in await _around(store, tenant, found) for one in await _all(store, tenant, each)]
        for one in sorted(found, key=lambda one: (one.at, one.id)):
            print(HIDDEN.sub(_escaped, recorded_view(one).model_dump_json(exclude_none=True)))


async def _all(store: Store, tenant: str, wanted: AuditFilter) -> list[Recorded]:
    found: list[Recorded] = []
    after: AuditCursor | None = None
    while True:
        async with store.read(tenant) as connection:
            page = await list_audit(connection, tenant, wanted=wanted, limit=AT_ONCE, after=after)
        found += page
        if len(page) < AT_ONCE:
            return found
        after = AuditCursor(page[-1].at, page[-1].id)


async def _around(store: Store, tenant: str, calls: list[Recorded]) -> list[AuditFilter]:
    """Return what the deeds of all runs are found by that had part in the conversations of these calls."""
    runs = {one.deed.run_id for one in calls if one.deed.run_id is not None}
    for conversation_id in {one.deed.conversation_id for one in calls if one.deed.conversation_id is not None}:
        async with store.read(tenant) as connection:
            runs |= set(await recorded_runs(connection, tenant, conversation_id))
    return [AuditFilter(run_id=run_id) for run_id in runs]


def _escaped(sign: re.Match[str]) -> str:
    """Return a sign that a terminal would obey, or that nobody sees, as JSON can have it, too."""
    return json.dumps(sign[0])[1:-1]


def _print_tenant(tenant: str, found: Verified) -> None:
    for problem in found.problems:
        print(visible(f"{problem.tenant_id}: {problem.text}"))
    newest = f"{found.head.number}:{found.head.digest}" if found.head else "none"
    print(f"{visible(tenant)}: {found.rows} sealed rows, newest seal {newest}")
