"""`make fuzz SECONDS=60`: every target in turn; prints executions and findings, keeps what broke.

With atheris where it is installed (it sees which code an input reaches), else with hypothesis alone.
What breaks a target is kept in its corpus as `broke-…`, so that `make test` fails until it is mended.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.seeds import CORPUS, TARGETS, bent, seeds

ROUND = 300


def guided(target: str, seconds: float) -> tuple[int, int, list[bytes]]:
    """(executions, inputs that reached new code, inputs that broke it) of atheris."""
    with tempfile.TemporaryDirectory() as folder:
        new, old = Path(folder) / "new", Path(folder) / "old"
        for each in (new, old):
            each.mkdir()
        for number, data in enumerate(seeds(target)):
            (old / str(number)).write_bytes(data)
        known = len(list(old.iterdir()))
        done = subprocess.run(
            [
                sys.executable, "-m", "tests.fuzz.guided", target, str(new), str(old),
                f"-max_total_time={max(1, round(seconds))}", "-print_final_stats=1",
                f"-artifact_prefix={folder}/broke-", "-timeout=5", "-rss_limit_mb=2048",
            ],
            capture_output=True, text=True, errors="replace", check=False,
        )  # fmt: skip
        found = re.search(r"number_of_executed_units: (\d+)", done.stderr)
        broke = [path.read_bytes() for path in Path(folder).glob("broke-*")]
        if done.returncode and not broke:
            raise RuntimeError(done.stderr[-2000:])
        fresh = max(0, len(list(new.iterdir())) - known)
        return int(found[1]) if found else 0, fresh, broke


def plain(target: str, seconds: float) -> tuple[int, int, list[bytes]]:
    """The same of hypothesis, which knows nothing of new code."""
    until, count, broke = time.monotonic() + seconds, 0, list[bytes]()
    while time.monotonic() < until and not broke:
        last = b""

        @settings(
            max_examples=ROUND, database=None, deadline=None, derandomize=False,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(st.data())
        def bend(data: st.DataObject) -> None:
            nonlocal count, last
            count += 1
            last = data.draw(bent(target))
            TARGETS[target](last)

        try:
            bend()
        except Exception as error:  # whatever it is, it is a finding
            sys.stderr.write(f"{target}: {error!r}\n")
            broke.append(last)
    return count, 0, broke


def keep(target: str, data: bytes) -> Path:
    """Put an input that broke a target into its corpus."""
    path = CORPUS / target / f"broke-{hashlib.sha256(data).hexdigest()[:12]}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def main() -> int:
    """Bend all targets (or those named) for so many seconds altogether."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    names = sys.argv[2:] or list(TARGETS)
    way = guided if importlib.util.find_spec("atheris") else plain
    sys.stdout.write(f"{way.__name__} bending, {seconds / len(names):.0f} s each\n")
    broken = 0
    for name in names:
        count, fresh, broke = way(name, seconds / len(names))
        broken += len(broke)
        sys.stdout.write(f"{name}: {count} executions, {fresh} inputs new, {len(broke)} broke it\n")
        for data in broke:
            sys.stdout.write(f"  kept: {keep(name, data)}\n")
        sys.stdout.flush()
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
