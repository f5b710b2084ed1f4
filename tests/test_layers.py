"""The house's walls: who may know whom, how large a file may be, whose names these are."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests import house_map
from tests.house_map import FOLDERS, ROOT

LEAVES = ("infra/errors.py", "infra/ports.py", "streaming/ports.py", "recordings/ports.py")
FORBIDDEN_NAMES = {"utils", "helpers", "common", "base", "manager"}
MOST_LINES, MOST_BYTES = 400, 700_000
NOT_IMPORTED = {
    "aioice": "pinned beside aiortc, whose private parts we use",
    "fontpkg-atkinson-hyperlegible": "a face, found by name at set-up",
    "fontpkg-literata": "a face, found by name at set-up",
    "fontpkg-public-sans": "a face, found by name at set-up",
    "tzdata": "time zones where the system has none",
}
RULED = {".py", ".js", ".css", ".html"}


def _committed() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("folder", FOLDERS)
def test_within_a_folder_there_are_no_circles(folder: str) -> None:
    assert len(house_map.in_order(folder)) == len(house_map.modules(folder))


def test_the_map_of_the_house_is_what_the_files_say() -> None:
    """Red? `make map` writes it anew."""
    assert house_map.TARGET.read_text(encoding="utf-8") == house_map.render()


def test_every_file_says_what_it_holds() -> None:
    silent = [row for row in house_map.render().splitlines() if row.endswith("|  |")]
    assert silent == []


@pytest.mark.parametrize("leaf", LEAVES)
def test_a_seam_imports_nothing_of_ours(leaf: str) -> None:
    assert house_map.imports(ROOT / leaf) == set()


def test_no_import_hides_in_a_function() -> None:
    """One inside a function is how upward imports creep in; those of types alone are none."""
    hidden = []
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    hidden += [
                        f"{path.relative_to(ROOT)}:{inner.lineno}"
                        for inner in ast.walk(node)
                        if isinstance(inner, ast.Import | ast.ImportFrom)
                    ]
    assert hidden == []


def test_no_file_is_named_by_what_it_does_not_say() -> None:
    named = [path for path in _committed() if path.stem in FORBIDDEN_NAMES and path.suffix == ".py"]
    assert named == []


def test_files_are_small() -> None:
    large = []
    for path in _committed():
        size = path.stat().st_size
        if size > MOST_BYTES:
            large.append(f"{path.relative_to(ROOT)}: {size} bytes")
        if path.suffix in RULED and "migrations" not in path.parts:
            lines = path.read_text(encoding="utf-8").count("\n")
            if lines > MOST_LINES:
                large.append(f"{path.relative_to(ROOT)}: {lines} lines")
    assert large == []


def test_no_other_distribution_gives_our_folders_names() -> None:
    """The five keep their bare names, so nobody else may have them."""
    given = packages_distributions()
    assert {
        name: given.get(name, []) for name in FOLDERS if set(given.get(name, [])) - {"lampio"}
    } == {}


def test_the_five_folders_are_the_whole_of_the_application() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert sorted(project["tool"]["setuptools"]["packages"]) == sorted(FOLDERS)


def test_locks_name_every_library_with_hashes_and_no_registry() -> None:
    for name in ("requirements.lock", "requirements-dev.lock", "requirements-uv.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "://" not in text
        assert "--index" not in text
        pinned = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
        assert pinned
        assert all("==" in line and line.endswith("\\") for line in pinned)
    assert '"resolved"' not in (ROOT / "package-lock.json").read_text(encoding="utf-8")


def _asked() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {re.split(r"[\[<>=]", line)[0] for line in project["project"]["dependencies"]}


def _tops(path: Path) -> set[str]:
    """The top-level names that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found - set(FOLDERS)


def test_every_library_that_the_code_imports_is_named_by_the_project_and_no_other() -> None:
    given = packages_distributions()
    asked = _asked()
    used: set[str] = set()
    missing: set[str] = set()
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            for top in _tops(path):
                names = {name.lower().replace("_", "-") for name in given.get(top, [])}
                used |= names & asked
                if names and not names & asked:
                    missing.add(f"{path.relative_to(ROOT)}: {top}")
    assert missing == set()
    assert asked - used == {*NOT_IMPORTED}
