"""Read the public documents of `scripts/documents`: `python -m bench.openapi` prints how much of each is usable, and what reading costs.

An operation is usable if a call with arguments made of the model's schema makes a request that is valid by the document's own
schemas. `all` is the same with every argument given. Seconds are CPU of a process that has imported everything; `kept` is a second
start, from the cache. Memory is the whole process's peak.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from agent.assistant.toolsets import ToolsetDefinition
from agent.errors import ToolError
from agent.toolkit import Origin, Risk
from bench.conformity import Conformity
from bench.sampling import sample
from tools.openapi.arguments import checked
from tools.openapi.document import read_document
from tools.openapi.importing import Imported, import_operations
from tools.openapi.kept import Kept, key_of
from tools.openapi.request import request_of
from tools.shaping import is_wanted

FOLDER = Path(".documents")
DOCUMENTS: dict[str, dict[str, Any]] = {
    "api.github.com.json": {},
    "ghec.json": {},
    "stripe.com.json": {},
    "kubernetes.io.json": {},
    "digitalocean.com.json": {},
    "zoom.us.json": {},
    "docusign.net.json": {},
    "plaid.com.json": {},
    "atlassian.com/jira.json": {},
    "adyen.com/ManagementService-v3.json": {},
    "figma/openapi.yaml": {},
    "directus/openapi.json": {},
    "slack.com.json": {},
    "spotify.com.json": {},
    "gitlab.com.json": {},
    "twilio.com/api.json": {},
    "xero.com/xero_accounting.json": {},
    "microsoft.com/graph.json": {"include": [{"method": "GET", "path": "/me/*"}]},
}
"""Each with what its definition includes; nothing: all that there is, changes too."""


def measure(name: str, data: Path) -> dict[str, Any]:
    """Read one document as a start does, and return what it cost; `import` takes it from the cache if it is there."""
    content = (FOLDER / name).read_bytes()
    said = DOCUMENTS[name]
    definition = ToolsetDefinition(openapi=name, **said)

    def wanted(tool: str, origin: Origin, risk: Risk) -> bool:
        return is_wanted(tool, origin, risk, definition=definition)

    began = time.process_time()
    kept, key = Kept(data), key_of(content, definition.model_dump_json())
    imported = kept.imported(key)
    if imported is None:
        imported = import_operations(read_document(content), wanted=wanted if said else None)
        kept.keep_imported(key, imported)
    seconds = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "seconds": seconds,
        "mb": peak,
        "operations": len(imported.operations) + len(imported.problems),
        "unwanted": imported.unwanted + imported.deprecated,
    }


def usable(name: str, data: Path) -> dict[str, Any]:
    """Return which share of a document's operations is usable, and the first reasons of the others."""
    content = (FOLDER / name).read_bytes()
    key = key_of(content, ToolsetDefinition(openapi=name, **DOCUMENTS[name]).model_dump_json())
    imported = Kept(data).imported(key)
    assert imported is not None
    conformity = Conformity(read_document(content))
    total = len(imported.operations) + len(imported.problems)
    reasons = {is_full: _reasons(imported, conformity, is_full=is_full) for is_full in (False, True)}
    return {
        "usable": 1 - (len(reasons[False]) + len(imported.problems)) / total,
        "all": 1 - (len(reasons[True]) + len(imported.problems)) / total,
        "reasons": [str(one) for one in imported.problems][:10] + reasons[False][:10] + reasons[True][:10],
    }


def _reasons(imported: Imported, conformity: Conformity, *, is_full: bool) -> list[str]:
    found = []
    for operation in imported.operations:
        try:
            arguments = checked(operation, sample(operation.schema, is_full=is_full))
            reason = next(conformity.complaints(operation, request_of(operation, arguments)), None)
        except ToolError as exc:
            reason = str(exc)
        if reason is not None:
            found.append(f"{operation.name}: {reason[:300]}")
    return found


def main() -> None:
    """Measure each document in processes of its own, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.openapi", description=__doc__)
    parser.add_argument("documents", nargs="*", help="of .documents/; without any, all")
    parser.add_argument("--reasons", action="store_true", help="print why operations are not usable")
    parser.add_argument("--part", choices=("measure", "usable"), help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part:
        part = measure if arguments.part == "measure" else usable
        print(json.dumps(part(arguments.documents[0], arguments.data)))
        return
    print("| document | MB | operations | usable | all | cold CPU s | kept CPU s | peak MB |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name in arguments.documents or DOCUMENTS:
        with TemporaryDirectory(prefix="frontdesk-bench-") as folder:
            cold, again, found = (_run(part, name, folder) for part in ("measure", "measure", "usable"))
        size = (FOLDER / name).stat().st_size / 1e6
        left = f" of {cold['operations'] + cold['unwanted']}" if DOCUMENTS[name] else ""
        print(
            f"| {name} | {size:.1f} | {cold['operations']}{left} | {found['usable']:.1%} | {found['all']:.1%} |"
            f" {cold['seconds']:.2f} | {again['seconds']:.3f} | {cold['mb']:.0f} |",
            flush=True,
        )
        if arguments.reasons:
            print(*(f"    {one}" for one in found["reasons"]), sep="\n")


def _run(part: str, name: str, folder: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.openapi", name, "--part", part, "--data", folder]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 (our own program)
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
