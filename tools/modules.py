"""Modules of whoever writes an assistant: found beside its definition, whatever they are called, or among what is installed.

The invariant: what goes wrong in such a module is told in one line, with the place in it.
"""

import sys
from hashlib import sha256
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from agent.errors import ConfigurationError
from agent.places import tool_place

PACKAGE = "__init__.py"
DOCUMENTS = (".yaml", ".yml", ".json")


def load_module(name: str, *, folder: Path, what: str) -> ModuleType:
    """Return the module of this name: of `folder`, or an installed one where there is none. `what` begins what is told of it.

    One of the folder whose name something else has already, such as `tools`, `api` and `agent`, is loaded by its path.
    `from tools import …` in it stays what authors import from.

    Raises:
        ConfigurationError: there is none, or it breaks while it is loaded.
    """
    folder = folder.absolute()
    first, _, rest = name.partition(".")
    file = _beside(folder, first)
    try:
        if file is None or _is_by_name(first, file):
            return import_module(name)
        top = _by_path(first, file)
        return import_module(f"{top}.{rest}") if rest else sys.modules[top]
    except SyntaxError as exc:
        raise ConfigurationError(f"{what}: {exc.filename}, line {exc.lineno}: {exc.msg}") from exc
    except ModuleNotFoundError as exc:
        if exc.name is None or not f"{name}.".startswith(f"{exc.name.rpartition(':')[2]}."):
            raise broken(exc, what) from exc
        hint = f"; a document is `openapi: {name}`" if name.endswith(DOCUMENTS) else ""
        hint = f"; write {name.removesuffix('.py')}, as an import does" if name.endswith(".py") else hint
        sought = f"{name.replace('.', '/')}.py"
        raise ConfigurationError(
            f"{what}: there is no {sought} in {folder}, and no module {name} is installed{hint}"
        ) from exc
    except (Exception, SystemExit) as exc:  # a module that somebody else wrote
        raise broken(exc, what) from exc


def broken(exc: Exception | SystemExit, what: str) -> ConfigurationError:
    """Return what to tell of code of theirs that raised."""
    said = " ".join(str(exc).split())
    if not isinstance(exc, ConfigurationError | ImportError):
        said = f"{type(exc).__name__}: {said}"
    place = tool_place(exc)
    is_theirs = place.startswith("/")
    return ConfigurationError(f"{what}: {place.replace(':', ', line ')}: {said}" if is_theirs else f"{what}: {said}")


def place_of_module(module: ModuleType) -> str:
    """Return the file of a module; its name where it has none, as a folder without `__init__.py` and what is built in."""
    return getattr(module, "__file__", None) or module.__name__


def _beside(folder: Path, name: str) -> Path | None:
    """Return the file of a module in the folder, or the folder of a package in it; None where there is none."""
    found = (folder / f"{name}.py", folder / name / PACKAGE)
    return next((path for path in found if path.is_file()), folder / name if (folder / name).is_dir() else None)


def _is_by_name(name: str, file: Path) -> bool:
    """Return whether importing the name gives this file, so that whoever else imports it has the same module."""
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):  # something without a spec has the name
        return False
    if spec is None:
        return False
    if spec.origin is not None:
        return Path(spec.origin).absolute() == file
    return file.is_dir() and str(file) in map(str, spec.submodule_search_locations or ())


def _by_path(name: str, file: Path) -> str:
    """Load a module from its file, or a package from its folder; return the name that it has among the modules."""
    known_as = f"beside_{sha256(str(file).encode()).hexdigest()[:12]}_{name}"
    if known_as in sys.modules:
        return known_as
    spec: ModuleSpec | None
    if file.is_dir():
        spec = ModuleSpec(known_as, None, is_package=True)
        spec.submodule_search_locations = [str(file)]
    else:
        within = [str(file.parent)] if file.name == PACKAGE else None
        spec = spec_from_file_location(known_as, file, submodule_search_locations=within)
    assert spec is not None
    module = module_from_spec(spec)
    sys.modules[known_as] = module
    try:
        if spec.loader is not None:
            spec.loader.exec_module(module)
    except BaseException:  # a stop, too: half a module is none
        del sys.modules[known_as]
        raise
    return known_as
