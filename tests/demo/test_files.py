"""The offline model and files, in the demo as it stands: how much there is of one, and how it begins."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from support.each import each
from support.serving import serve

from agent.prompt.words import ToldFile
from api.app import create_app
from api.settings import Settings
from demo.files import told_of_files
from demo.tongues import ENGLISH


@pytest.fixture
async def owner(tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """The owner of one of the demo's studios."""
    app = create_app(Settings(_env_file=None, data=tmp_path / "data", model="demo"))
    async with serve(app) as url, httpx2.AsyncClient(base_url=url, timeout=60) as client:
        token = (
            await client.post("/demo/token", json={"tenant": "aurora", "user": "owner"}, headers={"Origin": url})
        ).json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


async def test_it_says_how_many_rows_a_table_has_and_what_the_first_are(owner: httpx2.AsyncClient) -> None:
    """G539"""
    data = "name,amount\n" + "".join(f"Person {n},{n}\n" for n in range(1, 121))
    sent = await owner.post("/files", files={"file": ("sales.csv", data.encode())})
    asked = {"message": "How many rows does it have?", "files": [sent.json()["id"]]}
    answer: dict[str, Any] = (await owner.post("/chat", json=asked)).json()
    assert "**sales.csv**: 120 rows under a row of names, 2 columns." in answer["response"]
    assert "| name | amount |\n| --- | --- |\n| Person 1 | 1 |" in answer["response"]
    again = {"message": "And what is in the first rows of the file?", "conversation_id": answer["conversation_id"]}
    assert "120 rows" in (await owner.post("/chat", json=again)).json()["response"]
    columns = {"message": "Which columns does it have?", "conversation_id": answer["conversation_id"]}
    assert "2 columns" in (await owner.post("/chat", json=columns)).json()["response"]
    clients = {"message": "How many clients do we have?", "conversation_id": answer["conversation_id"]}
    assert "120 rows" not in (await owner.post("/chat", json=clients)).json()["response"]
    refused = await owner.post("/files", files={"file": ("x.pdf", b"%PDF-1.4\n%\xe2\xe3\n")})
    assert refused.json()["code"] == "unsupported_file"


def test_it_says_of_other_files_what_is_known_of_them_and_how_they_begin() -> None:
    pages = ToldFile({"name": "a.pdf", "pages": 3}, "[Page 1]\nThe *first* line.\n\n[Page 2]\nThe second.")
    picture = ToldFile(
        {
            "name": "b.png",
            "width": 640,
            "height": 480,
            "note": "a picture that this model cannot see; say so where it matters",
        }
    )
    told = told_of_files([pages, picture], ENGLISH)
    assert "**a.pdf**: 3 pages.\n\n> The \\*first\\* line." in told
    assert "**b.png**: a picture of 640 × 480 pixels. (a picture that this model cannot see)" in told
    assert told_of_files([], ENGLISH) == ""


@each(
    "rows, has_header, table",
    [
        (("A | B", "1 | 3,5 | x\\|y", "2 |  | "), False, "| A | B |\n| --- | --- |\n| 3,5 | x\\|y |\n|  |  |"),
        (("A | B", "1 | name | city", "2 | Ann | "), True, "| name | city |\n| --- | --- |\n| Ann |  |"),
        (
            ("A | B | C", "1 | Report", "2 | a | b | c"),
            False,
            "| A | B | C |\n| --- | --- | --- |\n| Report |  |  |\n| a | b | c |",
        ),
        ((" | ".join("ABCDEFG"), f"1 | {' | '.join('abcdefg')}"), True, "| a | b | c | d | e | f | … |"),
    ],
)
def test_a_table_stands_under_its_names_or_the_letters_of_its_columns(
    rows: tuple[str, ...], has_header: bool, table: str
) -> None:
    text = "".join(f"  | {one}\n" if not at else f"{one}\n" for at, one in enumerate(rows))
    told = told_of_files([ToldFile({"name": "a.csv", "rows": 2, "has_header": has_header}, text)], ENGLISH)
    assert told.partition("\n\n| ")[2].startswith(table.removeprefix("| ")), told
