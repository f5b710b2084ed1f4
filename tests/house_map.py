"""Writes `docs/map.md`, every file in import order with what its head says, and the list of decisions.

`make map` (`python -m tests.house_map`) writes both; a test compares.
"""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "docs" / "map.md"
FOLDERS = ("infra", "streaming", "rooms", "recordings", "web")
DECISIONS = ROOT / "docs" / "adr" / "README.md"
DECISIONS_HEAD = """\
# Decisions

One page each: the question, the choice, the figure it rests on, and what would reverse it. Figures are
from a 2-core Debian 12 machine unless said otherwise. Numbers from 0101 on are the relay's, from 0201
the rooms', from 0301 the look's and the words', from 0401 the desks', from 0501 the hall's, from 0601
the recordings'. The list is written by `make map`.
"""
HEAD = """\
# The house, file by file

Written from the files' own heads by `make map`; a test holds it to them. Each list stands in import
order: a file imports only files above it in its own list, and from other folders only what the layers
allow (`architecture.md`). So a newcomer reads each folder from the top.
"""


def imports(path: Path) -> set[str]:
    """Modules of ours that a file imports, anywhere in it, as `folder.module`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return {name for name in found if name.partition(".")[0] in FOLDERS}


def modules(folder: str) -> dict[str, Path]:
    """The folder's modules by dotted name; packages' own `__init__` and migrations are left out."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path.name != "__init__.py" and "migrations" not in path.parts
    }


def in_order(folder: str) -> list[str]:
    """The folder's modules so that each imports only those before it; by name where it is free.

    Raises ValueError for a circle.
    """
    paths = modules(folder)
    waiting = {name: (imports(path) & set(paths)) - {name} for name, path in paths.items()}
    order: list[str] = []
    while waiting:
        ready = min((name for name, needs in waiting.items() if not needs), default=None)
        if ready is None:
            raise ValueError(f"a circle of imports among {sorted(waiting)}")
        order.append(ready)
        del waiting[ready]
        for needs in waiting.values():
            needs.discard(ready)
    return order


def says(path: Path) -> str:
    """The first sentence of a file's head."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    paragraph = " ".join(text.split("\n\n")[0].split())
    sentence = paragraph.split(". ")[0].removesuffix(".")
    return sentence.replace("|", "\\|")


def script_says(path: Path) -> str:
    """The first sentence of a browser module's head comment."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.strip()
        if text.startswith(("/**", "//", "*", "/*")):
            lines.append(text.lstrip("/* ").removesuffix("*/").strip())
        elif lines or text:
            break
    paragraph = " ".join(lines).replace("@ts-check", "").strip()
    return paragraph.split(". ")[0].removesuffix(".").replace("|", "\\|")


def render() -> str:
    """The whole page."""
    blocks = [HEAD]
    for folder in FOLDERS:
        paths = modules(folder)
        rows = [
            f"| `{paths[name].relative_to(ROOT / folder)}` | {says(paths[name])} |"
            for name in in_order(folder)
        ]
        opening = says(ROOT / folder / "__init__.py")
        blocks.append(
            f"## {folder}/ ({len(rows)})\n\n{opening}.\n\n| file | what it holds |\n|---|---|\n"
            + "\n".join(rows)
        )
    scripts = sorted((ROOT / "web" / "static" / "js").glob("*.js"))
    rows = [f"| `{path.name}` | {script_says(path)} |" for path in scripts]
    blocks.append(
        f"## web/static/js/ ({len(rows)})\n\n| file | what it holds |\n|---|---|\n"
        + "\n".join(rows)
    )
    return "\n\n".join(block.strip("\n") for block in blocks) + "\n"


def decisions() -> str:
    """`docs/adr/README.md`: each page by its own first line."""
    rows = []
    for path in sorted(DECISIONS.parent.glob("[0-9]*.md")):
        number, _, title = path.read_text(encoding="utf-8").split("\n")[0][2:].partition(": ")
        rows.append(f"| [{number}]({path.name}) | {title} |")
    return DECISIONS_HEAD + "\n| | decision |\n|---|---|\n" + "\n".join(rows) + "\n"


if __name__ == "__main__":
    DECISIONS.write_text(decisions(), encoding="utf-8")
    TARGET.write_text(render(), encoding="utf-8")
