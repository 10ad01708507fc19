"""Renders the chart by Helm's own library with the values on standard input, in the environment that `scripts/foreign` makes of this folder."""

import json
import sys
from pathlib import Path

import helm_python  # type: ignore[import-not-found] # of the other environment
import kubernetes_validate  # type: ignore[import-not-found]
import yaml

CHART = Path(__file__).parents[3] / "deploy" / "helm" / "frontdesk"
OLDEST, NEWEST = "1.27.0", str(kubernetes_validate.latest_version())


def main() -> None:
    """Print what lint says, and the objects, each of which Kubernetes takes in all its versions that the chart names."""
    values = json.load(sys.stdin)
    lint = helm_python.lint(str(CHART), values, strict=True)
    objects = []
    if not lint["errors"]:
        rendered = helm_python.Chart.load(str(CHART)).render(values, name="desk", namespace="front")
        for name, text in rendered.items():
            objects += [one for one in yaml.safe_load_all(text) if one] if name.endswith(".yaml") else []
        for one in objects:
            for version in (OLDEST, NEWEST):
                kubernetes_validate.validate(one, version, strict=True)
    json.dump({"lint": lint, "objects": objects}, sys.stdout)


if __name__ == "__main__":
    main()
