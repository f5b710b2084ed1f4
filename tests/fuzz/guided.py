"""One target bent by atheris, which looks at what the code does with each input: `python -m
tests.fuzz.guided TARGET FOLDER… -max_total_time=…` (libFuzzer's options)."""

from __future__ import annotations

import importlib
import sys
from typing import Any

atheris: Any = importlib.import_module("atheris")  # not everywhere installed, and without types

with atheris.instrument_imports(include=["streaming", "rooms"]):
    from tests.fuzz.seeds import TARGETS


def main() -> None:
    """Bend until the time is over or something breaks."""
    name = sys.argv.pop(1)
    target = TARGETS[name]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
