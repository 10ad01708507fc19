"""Writes of the API: validated, and once per idempotency key."""

from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from support.studio import TODAY, As, query

ENQUIRY = {"name": "Ada Test", "phone": "+353 85 555 7777", "interest": "yoga"}


@pytest.mark.parametrize(
    ("method", "path", "body", "word"),
    [
        ("POST", "/enquiries", {**ENQUIRY, "name": " x "}, "name"),
        ("POST", "/enquiries", {**ENQUIRY, "phone": "call me"}, "phone"),
        ("POST", "/enquiries", {**ENQUIRY, "tenant": "kinetic"}, "tenant"),
        ("POST", "/enquiries", {**ENQUIRY, "notes": "x" * 2001}, "notes"),
        ("POST", "/enquiries", [], "body"),
        ("PATCH", "/enquiries/501", {"status": "done"}, "status"),
        ("POST", "/memberships/20001/freeze", {"days": 0}, "days"),
        ("POST", "/memberships/20001/freeze", {"days": "many"}, "days"),
        ("POST", "/attendance", {}, "client_id"),
        ("PATCH", "/clients/1001", {}, "at least one"),
        ("PATCH", "/clients/1001", {"email": "nowhere"}, "email"),
        ("PATCH", "/clients/1001", {"name": "Somebody Else"}, "name"),
    ],
)
async def test_a_wrong_write_is_refused_and_the_sentence_names_the_field(
    http: httpx2.AsyncClient, signed_in: As, method: str, path: str, body: object, word: str
) -> None:
    answer = await http.request(method, path, json=body, headers=signed_in())
    assert answer.status_code == 422
    assert word in answer.json()["detail"]


async def test_text_that_is_no_unicode_is_refused(http: httpx2.AsyncClient, signed_in: As) -> None:
    body = b'{"name": "Ada \\ud800", "phone": "+353 85 555 7777", "interest": "yoga"}'
    headers = {**signed_in(), "Content-Type": "application/json"}
    assert (await http.post("/enquiries", content=body, headers=headers)).status_code == 422


async def test_a_new_enquiry_is_open_and_filed_at_the_requests_branch(http: httpx2.AsyncClient, signed_in: As) -> None:
    created = await http.post("/enquiries", json=ENQUIRY, headers=signed_in(branch=2))
    assert (created.status_code, created.json()["branch"]) == (201, "Old Town")
    assert created.json() | ENQUIRY | {"status": "open", "created_on": TODAY} == created.json()
    changed = await http.patch(f"/enquiries/{created.json()['id']}", json={"status": "contacted"}, headers=signed_in())
    assert changed.json() == created.json() | {"status": "contacted"}


async def test_the_same_key_answers_the_first_answer_and_writes_once(
    http: httpx2.AsyncClient, signed_in: As, database: Path
) -> None:
    headers = signed_in(key="call-1")
    [before] = query(database, "SELECT count(*) FROM enquiries")
    answers = [await http.post("/enquiries", json=ENQUIRY, headers=headers) for _ in range(3)]
    assert [answer.json() for answer in answers] == [answers[0].json()] * 3
    assert [answer.status_code for answer in answers] == [201] * 3
    assert query(database, "SELECT count(*) FROM enquiries") == [before + 1]


async def test_a_key_that_comes_many_times_at_once_writes_once(
    http: httpx2.AsyncClient, signed_in: As, database: Path
) -> None:
    [before] = query(database, "SELECT count(*) FROM enquiries")
    answers: list[Any] = []

    async def send() -> None:
        answers.append((await http.post("/enquiries", json=ENQUIRY, headers=signed_in(key="storm"))).json())

    async with anyio.create_task_group() as group:
        for _ in range(12):
            group.start_soon(send)
    assert answers == [answers[0]] * 12
    assert query(database, "SELECT count(*) FROM enquiries") == [before + 1]


async def test_a_key_belongs_to_one_request_of_one_user(http: httpx2.AsyncClient, signed_in: As) -> None:
    first = await http.post("/enquiries", json=ENQUIRY, headers=signed_in(key="mine"))
    other_body = await http.post("/enquiries", json={**ENQUIRY, "interest": "boxing"}, headers=signed_in(key="mine"))
    other_route = await http.patch("/clients/1001", json={"notes": "x"}, headers=signed_in(key="mine"))
    assert (other_body.status_code, other_route.status_code) == (422, 422)
    for user, tenant in (("trainer", "aurora"), ("owner", "kinetic")):
        theirs = await http.post("/enquiries", json=ENQUIRY, headers=signed_in(user, tenant, key="mine"))
        assert theirs.status_code == 201
        assert theirs.json()["id"] != first.json()["id"]


async def test_a_refused_write_leaves_its_key_free(http: httpx2.AsyncClient, signed_in: As, database: Path) -> None:
    [membership] = query(
        database, "SELECT min(id) FROM latest_memberships WHERE tenant = 'aurora' AND status = 'frozen'"
    )
    path = f"/memberships/{membership}/freeze"
    assert (await http.post(path, json={"days": 5}, headers=signed_in(key="again"))).status_code == 409
    assert (await http.post(f"/memberships/{membership}/unfreeze", headers=signed_in())).status_code == 200
    assert (await http.post(path, json={"days": 5}, headers=signed_in(key="again"))).status_code == 200


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_a_key_of_a_wrong_length_is_refused(http: httpx2.AsyncClient, signed_in: As, key: str) -> None:
    assert (await http.post("/enquiries", json=ENQUIRY, headers=signed_in(key=key))).status_code == 422


async def test_freezing_moves_the_end_back_and_unfreezing_at_once_restores_it(
    http: httpx2.AsyncClient, signed_in: As
) -> None:
    client = (await http.get("/clients/1001", headers=signed_in())).json()
    path = f"/memberships/{client['membership_id']}"
    frozen = (await http.post(f"{path}/freeze", json={"days": 10}, headers=signed_in())).json()
    assert (frozen["status"], frozen["frozen_until"]) == ("frozen", "2026-03-22")
    assert frozen["ends_on"] > client["membership_ends_on"]
    assert (await http.post(f"{path}/freeze", json={"days": 1}, headers=signed_in())).status_code == 409
    assert (await http.get("/clients/1001", headers=signed_in())).json()["status"] == "frozen"
    resumed = (await http.post(f"{path}/unfreeze", headers=signed_in())).json()
    assert (resumed["status"], resumed["frozen_until"]) == ("active", None)
    assert resumed["ends_on"] == client["membership_ends_on"]


async def test_a_client_checks_in_once_a_day_and_only_with_an_active_membership(
    http: httpx2.AsyncClient, signed_in: As, database: Path
) -> None:
    absent = (
        "SELECT min(client_id) FROM latest_memberships AS m WHERE tenant = 'aurora' AND status = :status"
        " AND NOT EXISTS (SELECT 1 FROM attendance AS a WHERE a.client_id = m.client_id AND day = :today)"
    )
    [client], [expired] = query(database, absent, status="active"), query(database, absent, status="expired")
    before = (await http.get("/attendance/today", headers=signed_in())).json()["total"]
    arrived = await http.post("/attendance", json={"client_id": client}, headers=signed_in("owner"))
    assert (arrived.status_code, arrived.json()["time"]) == (201, "14:05")
    assert (await http.get("/attendance/today", headers=signed_in())).json()["total"] == before + 1
    again = await http.post("/attendance", json={"client_id": client}, headers=signed_in())
    assert (again.status_code, "already" in again.json()["detail"]) == (409, True)
    refused = await http.post("/attendance", json={"client_id": expired}, headers=signed_in())
    assert (refused.status_code, "expired" in refused.json()["detail"]) == (409, True)


async def test_contact_data_can_be_corrected_and_the_rest_stays(http: httpx2.AsyncClient, signed_in: As) -> None:
    before = (await http.get("/clients/1002", headers=signed_in())).json()
    answer = await http.patch("/clients/1002", json={"phone": "+353 85 555 4242"}, headers=signed_in())
    assert answer.json() == before | {"phone": "+353 85 555 4242"}
    found = (await http.get("/clients", params={"search": "555 4242"}, headers=signed_in())).json()
    assert [item["id"] for item in found["items"]] == [1002]


async def test_a_refund_is_never_more_than_was_paid(http: httpx2.AsyncClient, signed_in: As, database: Path) -> None:
    found = query(
        database,
        "SELECT membership_id, sum(amount_minor), client_id FROM payments WHERE tenant = 'aurora' AND membership_id IS NOT NULL"
        " GROUP BY membership_id ORDER BY membership_id LIMIT 1",
    )
    path, paid = f"/memberships/{found[0]}/refund", found[1] / 100
    sold = (await http.get("/reports/membership-sales?period=this_month", headers=signed_in())).json()
    assert (await http.post(path, json={"amount": paid + 0.01}, headers=signed_in())).status_code == 409
    first = await http.post(path, json={"amount": 1.5}, headers=signed_in())
    assert (first.status_code, first.json()["left"]) == (201, round(paid - 1.5, 2))
    assert (await http.post(path, json={"amount": paid}, headers=signed_in())).status_code == 409
    assert (await http.get("/reports/membership-sales?period=this_month", headers=signed_in())).json() == sold
    assert (await http.post(path, json={"amount": 0}, headers=signed_in())).status_code == 422
