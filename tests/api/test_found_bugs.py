"""Bugs outside of `api/` that the tests of the HTTP surface found. Each moves to its place when it is mended."""

from pathlib import Path

import pytest

from agent.assistant import load_assistant
from agent.errors import ConfigurationError
from agent.store.database import Store


async def test_a_file_that_is_no_yaml_is_named_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "assistant.yaml"
    path.write_text("name: [unclosed\nother: 1\n")

    with pytest.raises(ConfigurationError) as raised:
        load_assistant(path)

    assert "\n" not in str(raised.value)


async def test_migrating_a_database_that_cannot_be_reached_is_a_configuration_error() -> None:
    """So that `frontdesk migrate` says it in a line. The same goes for an SQLite file that cannot be opened."""
    store = Store("postgresql+psycopg://u:hunter2@127.0.0.1:1/x", pool_size=1)
    try:
        with pytest.raises(ConfigurationError) as raised:
            await store.migrate()
    finally:
        await store.close()

    assert "hunter2" not in str(raised.value)
