"""Set-up says in one sentence what is missing, and does nothing twice."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def _make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    # As a person calls it: not as a part of the make that may have started these tests.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "Makefile", tmp_path)
    return tmp_path


def test_without_ensurepip_one_sentence_names_the_package(folder: Path) -> None:
    python = folder / "python"
    python.write_text('#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; esac\nexit 0\n')
    python.chmod(0o755)
    done = _make(folder, f"PYTHON={python}", "setup")
    assert done.returncode != 0
    assert done.stdout == "The package python3-venv is missing: apt install python3-venv\n"


def test_without_a_python_one_sentence_says_which(folder: Path) -> None:
    done = _make(folder, "PYTHON=", "setup")
    assert done.returncode != 0
    assert done.stdout.startswith("Python 3.11 or newer is needed:")


@pytest.mark.parametrize("user", ["0", "1000"])
def test_what_the_system_lacks_is_installed_by_root_and_told_to_others(
    tmp_path: Path, user: str
) -> None:
    for name in ("grep", "ls"):
        found = shutil.which(name)
        assert found
        (tmp_path / name).symlink_to(found)
    for name, lines in {"id": f"echo {user}", "apt-get": f'echo "$@" >> {tmp_path}/asked'}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{lines}\n")
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", ROOT / "tests" / "system.sh"],
        env={"PATH": str(tmp_path), "POSTGRES": str(tmp_path), "GSTREAMER": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    missing = (
        "chromium firefox-esr libavcodec59 webkit2gtk-driver xvfb pulseaudio gstreamer1.0-libav "
        "gstreamer1.0-plugins-bad gstreamer1.0-pulseaudio redis-server postgresql curl nodejs npm "
        "fontconfig fonts-dejavu-core"
    )
    if user == "0":
        assert done.returncode == 0
        asked = (tmp_path / "asked").read_text()
        assert asked.startswith("update") and asked.rstrip().endswith(missing)
    else:
        assert done.returncode == 1
        assert done.stderr == f"The tests need more of the system: apt install {missing}\n"


def test_the_path_of_the_demo_asks_for_no_npm_apt_or_root() -> None:
    done = _make(ROOT, "--dry-run", "--always-make", "demo")
    assert done.returncode == 0
    for word in ("npm", "apt-get", "sudo", "system.sh"):
        assert word not in done.stdout
    assert "requirements.lock" in done.stdout
    assert "lampio demo" in done.stdout


def test_continuous_integration_runs_what_everybody_runs() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert script.startswith("#!/bin/sh\n")
    assert script.rstrip().endswith("exec make test")
    steps = _make(ROOT, "--dry-run", "--always-make", "test").stdout
    order = ["ruff check", "ruff format --check", "mypy", "lint-imports", "tsc", "pytest"]
    places = [steps.index(f"bin/{step}") for step in order]
    assert places == sorted(places)
