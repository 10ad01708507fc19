"""Modules of whoever writes an assistant: found beside its definition, whatever they are called."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from support.modules import forgotten_modules

import tools
from agent.errors import ConfigurationError
from tools.modules import load_module


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder of an assistant, which is searched last, as at a start."""
    with forgotten_modules(tmp_path):
        sys.path.append(str(tmp_path))
        yield tmp_path


def load(folder: Path, name: str) -> ModuleType:
    return load_module(name, folder=folder, what=f"toolset {name}")


@pytest.mark.parametrize("name", ["tools", "api", "agent", "demo", "json", "types", "pytest"])
def test_a_module_beside_the_definition_may_have_any_name(folder: Path, name: str) -> None:
    """G396: also that of a room of ours, of Python's own and of a library; what authors import stays what it is."""
    (folder / f"{name}.py").write_text("from tools import ToolContext, tool\nOWN = True\n")
    known = sys.modules[name]

    module = load(folder, name)

    assert (module.OWN, module.__file__) == (True, str(folder / f"{name}.py"))
    assert module.tool is tools.tool
    assert sys.modules[name] is known
    assert load(folder, name) is module


def test_a_package_of_a_taken_name_has_its_own_parts(folder: Path) -> None:
    """G396"""
    for path in ("tools/__init__.py", "tools/orders.py", "api/orders.py"):
        (folder / path).parent.mkdir(exist_ok=True)
    (folder / "tools" / "__init__.py").write_text("from .orders import NAME\n")
    (folder / "tools" / "orders.py").write_text("NAME = 'orders of tools'\n")
    (folder / "api" / "orders.py").write_text("NAME = 'orders of api'\n")

    assert load(folder, "tools").NAME == "orders of tools"
    assert load(folder, "tools.orders").NAME == "orders of tools"
    assert load(folder, "api.orders").NAME == "orders of api"


def test_a_module_of_a_name_of_its_own_is_the_one_that_others_import(folder: Path) -> None:
    """G396: what it keeps is there once."""
    (folder / "orders_of_a_shop.py").write_text("STORE = []\n")
    (folder / "tools.py").write_text("from orders_of_a_shop import STORE\n")

    assert load(folder, "tools").STORE is load(folder, "orders_of_a_shop").STORE
    assert sys.modules["orders_of_a_shop"] is load(folder, "orders_of_a_shop")


def test_an_installed_module_is_found_where_none_lies_beside(folder: Path) -> None:
    assert load(folder, "support.shop_tools").__name__ == "support.shop_tools"


@pytest.mark.parametrize("name", ["no_such_module", "support.no_such_module", "json.no_such_module", "no.such.module"])
def test_it_is_said_where_a_module_was_looked_for(folder: Path, name: str) -> None:
    """G396"""
    with pytest.raises(ConfigurationError) as refused:
        load(folder, name)
    path = f"{name.replace('.', '/')}.py"
    assert str(refused.value) == f"toolset {name}: there is no {path} in {folder}, and no module {name} is installed"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def go(:\n", "line 1: invalid syntax"),
        ("\n\nraise RuntimeError('no key')\n", "line 3: RuntimeError: no key"),
        ("import no_such_library\n", "line 1: No module named 'no_such_library'"),
        ("import tools.no_such_part\n", "line 1: No module named 'tools.no_such_part'"),
        ("from tools import nothing_such\n", "line 1: cannot import name 'nothing_such' from 'tools'"),
    ],
)
@pytest.mark.parametrize("name", ["tools", "a_module_of_its_own"])
def test_what_breaks_in_a_module_is_said_with_its_line(folder: Path, name: str, source: str, said: str) -> None:
    """G395: and another try meets it again."""
    file = folder / f"{name}.py"
    file.write_text(source)
    for _ in range(2):
        with pytest.raises(ConfigurationError) as refused:
            load(folder, name)
        assert str(refused.value).startswith(f"toolset {name}: {file}, {said}")
