"""The tests that `scripts/check` runs are those of what changed."""

import pytest

from scripts.changed import ALWAYS, ROOT, pick_tests

TESTS = [
    "tests/agent/store/test_runs.py",
    "tests/api/test_chat.py",
    "tests/api/test_doctor.py",
    "tests/api/test_runs.py",
    "tests/system/test_search.py",
    "tests/browser/test_widget.py",
]


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ("agent/store/runs.py", ["tests/agent/store/test_runs.py"]),
        ("api/routes/runs.py", ["tests/api/test_runs.py"]),
        ("api/doctor/redis.py", ["tests/api/test_doctor.py"]),
        ("tests/api/test_chat.py", ["tests/api/test_chat.py"]),
        ("tests/system/test_search.py", []),
        ("agent/search.py", []),
        ("docs/chat.md", []),
    ],
)
def test_the_tests_of_a_file_have_its_name_or_its_folders_and_stand_in_the_folder_of_its_package(
    changed: str, found: list[str]
) -> None:
    assert pick_tests([changed], TESTS) == sorted([*ALWAYS, *found])


def test_what_is_always_run_is_there() -> None:
    assert all((ROOT / path).exists() for path in ALWAYS)
