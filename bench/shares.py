"""Who the time goes to: the raw stacks that py-spy writes, added up by library.

py-spy record --gil --rate 500 --format raw --output stacks.txt --pid <server>
python -m bench.shares stacks.txt
"""

import sys
from collections import Counter
from pathlib import Path

MOST = 16


def shares(stacks: str) -> list[tuple[str, float]]:
    """Return each library's part of the samples whose innermost frame is its own, the largest first."""
    counted: Counter[str] = Counter()
    for line in stacks.splitlines():
        stack, _, samples = line.rpartition(" ")
        counted[_library(stack.rpartition(";")[2])] += int(samples)
    return [(name, samples / counted.total()) for name, samples in counted.most_common()]


def _library(frame: str) -> str:
    """Return whose code a frame `name (path:line)` is."""
    path = frame.rpartition("(")[2].partition(":")[0]
    return path.partition("/")[0].removesuffix(".py") or "not known"


if __name__ == "__main__":
    for name, part in shares(Path(sys.argv[1]).read_text("utf-8"))[:MOST]:
        sys.stdout.write(f"{part:6.1%}  {name}\n")
