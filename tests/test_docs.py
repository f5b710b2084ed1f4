"""What the documents name is there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests import house_map

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout.splitlines()
    if (ROOT / name).is_file()
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_are_named_exist(page: Path) -> None:
    """A path in backquotes that begins with one of our folders is a promise."""
    named = re.findall(
        r"`((?:infra|streaming|rooms|recordings|web|tests|docs)/[\w./-]+\.\w+)`",
        page.read_text(encoding="utf-8"),
    )
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_decision_is_in_the_list_and_says_what_would_reverse_it() -> None:
    """Red? `make map` writes the list anew."""
    assert house_map.DECISIONS.read_text(encoding="utf-8") == house_map.decisions()
    for page in house_map.DECISIONS.parent.glob("[0-9]*.md"):
        text = page.read_text(encoding="utf-8")
        assert re.match(r"# \d{4}: \S", text), page.name
        for part in ("**Question.**", "**Choice.**", "**Reversed by.**"):
            assert part in text, (page.name, part)


def test_the_readme_names_every_folder_and_command() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for folder in ("streaming", "rooms", "recordings", "web", "infra", "tests", "docs"):
        assert f"`{folder}/`" in text
    for command in ("make demo", "make test"):
        assert command in text


def test_every_test_that_the_threat_model_names_exists() -> None:
    text = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", text))
    written = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8"))
    }
    assert len(named) > 20
    assert named - written == set()
