"""The browser's modules under Node: pure ones, asked by a line of JavaScript."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "web" / "static" / "js"


def modules(folder: Path) -> Path:
    """A copy of the browser's modules that any Node takes for modules."""
    copy = folder / "js"
    shutil.copytree(FOLDER, copy)
    (copy / "package.json").write_text('{"type": "module"}')
    return copy


def ask(folder: Path, imports: str, expression: str, **given: Any) -> Any:
    """The value of `expression`, in which the named `imports` ("steps.js: stepsOf, STEPS; …") and the
    `given` values are known."""
    lines = []
    for one in imports.split(";"):
        module, names = one.split(":")
        lines.append(f'import {{ {names.strip()} }} from "./{module.strip()}";')
    lines += [f"const {name} = {json.dumps(value)};" for name, value in given.items()]
    lines.append(f"console.log(JSON.stringify(await ({expression})));")
    script = folder / "question.js"
    script.write_text("\n".join(lines), encoding="utf-8")
    answer = subprocess.run(
        ["node", script], capture_output=True, text=True, timeout=30, check=False
    )
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)
