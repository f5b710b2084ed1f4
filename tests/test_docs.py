"""What the documents name is there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

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


def test_every_decision_is_in_the_list_once_and_says_what_would_reverse_it() -> None:
    folder = ROOT / "docs" / "adr"
    pages = sorted(path.name for path in folder.glob("0*.md"))
    listed = re.findall(r"\]\((0[^)]+)\)", (folder / "README.md").read_text(encoding="utf-8"))
    assert listed == pages
    for name in pages:
        text = (folder / name).read_text(encoding="utf-8")
        for part in ("**Question.**", "**Choice.**", "**Reversed by.**"):
            assert part in text, (name, part)


def test_the_readme_names_every_folder_and_command() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for folder in ("streaming", "rooms", "recordings", "web", "infra", "tests", "docs"):
        assert f"`{folder}/`" in text
    for command in ("make demo", "make test"):
        assert command in text
