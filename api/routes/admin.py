"""An operator's commands over HTTP: runs and usage of all tenants, and erasing a user or a tenant.

Each tenant is read in a transaction of its own, as its own requests are; only their names are read as upkeep does.
"""

from datetime import date
from typing import Annotated

import anyio
from fastapi import APIRouter, Query, Security
from pydantic import BaseModel, ConfigDict, Field

from agent.errors import RETRY_AFTER_S, ConfigurationError, InvalidRequestError, OverloadedError
from agent.redis.errors import RedisAwayError
from agent.store.overview import SeenRun
from api.admin.access import Door, Operator, in_time
from api.dependencies import InstallationDep
from api.errors import ADMIN_PROBLEMS
from api.operator.erase import carry_out, found
from api.operator.sights import KEYS, MOST_HOURS, NEWEST, OLDEST, Sums, days_of, prices_of, runs_of, tenants_after
from api.operator.streams import streams_of
from api.requests import NO_NUL

router = APIRouter(prefix="/admin", tags=["admin"], responses=ADMIN_PROBLEMS)

TENANTS_AT_ONCE = 200
"""So many tenants are looked at for a page."""
MOST_SUMS = 10_000
GOES_ON = "it takes longer than a request may: ask again, and it goes on from there"

Tenant = Annotated[Annotated[str, NO_NUL] | None, Query(max_length=128, description="without one: all of them")]
After = Annotated[Annotated[str, NO_NUL], Query(max_length=128, description="`next_after` of the page before")]


class SeenRuns(BaseModel):
    """Tenant by tenant, each whole. `next_after` is null on the last page."""

    items: list[SeenRun]
    next_after: str | None


class UsageSum(BaseModel):
    """The usage of some runs: of whom, with which model and when, as far as it was asked for. `cost` is by currency."""

    tenant: str | None = None
    user: str | None = None
    model: str | None = None
    day: date | None = None
    runs: int
    input_tokens: int
    output_tokens: int
    cost: dict[str, float]
    unpriced_runs: int


class UsagePage(BaseModel):
    """Sums over the tenants of this page. `next_after` is null on the last page; what is not by tenant adds up over all."""

    items: list[UsageSum]
    next_after: str | None


class Erasure(BaseModel):
    """Whose traces are to go. `user` null, which has to be said, is the whole tenant."""

    model_config = ConfigDict(extra="forbid")

    tenant: Annotated[str, NO_NUL] = Field(min_length=1, max_length=128)
    user: Annotated[str, NO_NUL] | None = Field(min_length=1, max_length=256)
    dry_run: bool = Field(default=False, description="only count what there is")


class ErasureView(BaseModel):
    """An erasure: what there was, and what was done. What is not done is in `problems`; asked again, it goes on."""

    model_config = ConfigDict(from_attributes=True)

    tenant: str
    user: str | None
    found: dict[str, int]
    conversations: int
    is_done: bool
    problems: list[str]
    notes: list[str]


@router.get("/runs")
async def list_seen_runs(
    services: InstallationDep,
    _operator: Annotated[Operator, Security(Door("runs"))],
    tenant: Tenant = None,
    failed: Annotated[float, Query(ge=0, le=MOST_HOURS, description="hours within which one failed")] = 24,
    limit: Annotated[int, Query(ge=1, le=500, description="of a tenant: so many that go on, and that failed")] = 100,
    after: After = "",
) -> SeenRuns:
    """List what works, waits or is abandoned, and what failed lately. Nothing that anybody said is shown."""
    seen: list[SeenRun] = []
    last, is_more = "", False
    async with in_time(services):
        tenants = await tenants_after(services.store, tenant, after=after, most=TENANTS_AT_ONCE)
        for last in tenants.names:
            seen += await runs_of(services.store, last, failed, most=limit)
            if len(seen) >= limit:
                break
        is_more = tenants.are_more or tenants.names[-1:] not in ([], [last])
    return SeenRuns(items=seen, next_after=last if is_more else None)


@router.get("/usage", response_model_exclude_unset=True)
async def sum_up_usage(
    services: InstallationDep,
    _operator: Annotated[Operator, Security(Door("usage"))],
    tenant: Tenant = None,
    by: Annotated[str, Query(max_length=100, description="some of tenant, user, model, day")] = "tenant,model",
    since: Annotated[
        date | None, Query(alias="from", ge=OLDEST, le=NEWEST, description="a day, UTC; else 30 days back")
    ] = None,
    until: Annotated[
        date | None, Query(alias="to", ge=OLDEST, le=NEWEST, description="the last day; else today")
    ] = None,
    after: After = "",
) -> UsagePage:
    """Sum up runs, tokens and, where the definition has prices, cost. What was erased or expired is not in it."""
    keys = [one.strip() for one in by.split(",")]
    if not set(keys) <= set(KEYS) or len(set(keys)) < len(keys):
        raise InvalidRequestError(f"by: some of {', '.join(KEYS)}, each once")
    prices = prices_of({one.id: one.definition for one in services.assistants})
    sums = Sums(keys, prices, days_of(since, until))
    async with in_time(services):
        tenants = await tenants_after(services.store, tenant, after=after, most=TENANTS_AT_ONCE)
        for name in tenants.names:
            await sums.add(services.store, name)
            if len(sums) > MOST_SUMS:
                raise InvalidRequestError(f"by: more than {MOST_SUMS} sums; ask for one tenant, or fewer days or keys")
    return UsagePage(
        items=[UsageSum(**one) for one in sums.told()], next_after=tenants.names[-1] if tenants.are_more else None
    )


@router.post("/erasures")
async def erase_traces(
    body: Erasure, services: InstallationDep, _operator: Annotated[Operator, Security(Door("erase"))]
) -> ErasureView:
    """Remove every trace of a user or a tenant. What was done stays in the record, without its words.

    It does as much as it can in the time that a request has. Where that was not all, `is_done` is false.
    """
    settings = services.settings
    try:
        done = await found(services.store, body.tenant, body.user)
        if not body.dry_run:
            with anyio.move_on_after(settings.admin_timeout_s) as limit:
                async with streams_of(settings) as streams:
                    services.tickets.forget_of(body.tenant, body.user)
                    await services.contexts.forget(body.tenant, body.user)
                    await carry_out(services.store, streams, done, files=services.files, most_rows=settings.purge_rows)
            if limit.cancelled_caught:
                done.problems.append(GOES_ON)
    except ConfigurationError as exc:
        raise InvalidRequestError(f"tenant: {exc}") from None
    except RedisAwayError:
        raise OverloadedError("Redis does not answer: ask again.", retry_after_s=RETRY_AFTER_S) from None
    return ErasureView.model_validate(done)
