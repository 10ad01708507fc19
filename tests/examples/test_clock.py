"""The studio's day is the day of whoever asks, and nothing is told that is still to come."""

from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from support.studio import As

from api.settings import Settings
from examples.studio.backend import create_app


async def get(now: datetime, folder: Path, path: str, headers: dict[str, str]) -> dict[str, object]:
    app = create_app(Settings(data=folder, _env_file=None), now=lambda: now)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://studio") as client:
        told: dict[str, object] = (await client.get(path, headers=headers)).json()
    return told


@pytest.mark.parametrize("zone", [None, "Europe/Dublin", "Nowhere/At_All", "../../etc/passwd"])
async def test_in_the_night_nobody_has_come_yet(settings: Settings, signed_in: As, zone: str | None) -> None:
    headers = signed_in() | ({"X-Time-Zone": zone} if zone else {})
    night, noon = datetime(2026, 3, 12, 1, 42, tzinfo=UTC), datetime(2026, 3, 12, 12, tzinfo=UTC)
    assert (await get(night, settings.data, "/attendance/today", headers))["total"] == 0
    assert (await get(night, settings.data, "/attendance/stats", headers))["today"] == 0
    today = await get(noon, settings.data, "/attendance/today", headers)
    stats = await get(noon, settings.data, "/attendance/stats", headers)
    assert 0 < stats["today"] == today["total"]  # type: ignore[operator]


async def test_today_is_the_day_of_whoever_asks(settings: Settings, signed_in: As) -> None:
    late = datetime(2026, 3, 12, 23, 30, tzinfo=UTC)
    for zone, day in (("America/Chicago", "2026-03-12"), ("Asia/Tokyo", "2026-03-13"), ("UTC", "2026-03-12")):
        headers = {**signed_in(), "X-Time-Zone": zone}
        assert (await get(late, settings.data, "/attendance/today", headers))["date"] == day
        assert (await get(late, settings.data, "/reports/income-expense", headers))["to"] == day


async def test_who_was_to_come_later_can_be_checked_in_now(settings: Settings, signed_in: As) -> None:
    noon, night = datetime(2026, 3, 12, 12, tzinfo=UTC), datetime(2026, 3, 12, 0, 5, tzinfo=UTC)
    seen = (await get(noon, settings.data, "/attendance/today", signed_in()))["items"]
    assert isinstance(seen, list)
    app = create_app(settings, now=lambda: night)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://studio") as client:
        body = {"client_id": seen[0]["client_id"]}
        answers = [await client.post("/attendance", json=body, headers=signed_in()) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 409]
    assert answers[0].json()["time"] == "00:05"
