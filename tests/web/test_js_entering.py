"""The press at the door: what the page does with the server's answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.web.javascript import ask, modules

PRESS = """(async () => {
  let went = null;
  globalThis.location = { replace: (place) => (went = place) };
  globalThis.fetch = async () => ({ ok: true, json: async () => answer });
  const told = await Promise.race([enter("/r/abc/enter", { move: false }), new Promise((r) => setTimeout(r, 50))]);
  return { told: told ?? null, went };
})()"""


@pytest.fixture(scope="module")
def js(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return modules(tmp_path_factory.mktemp("modules"))


@pytest.mark.parametrize(
    ("answer", "told", "went"),
    [
        ({"ok": True, "seat": "abc", "offer": None}, {"ok": True, "offer": None}, None),
        ({"ok": True, "seat": "other", "offer": None}, None, "/r/other"),
    ],
)
def test_who_is_seated_elsewhere_in_the_group_goes_there(
    js: Path, answer: Any, told: Any, went: str | None
) -> None:
    found = ask(js, "entering.js: enter", PRESS, answer=answer)
    assert found == {"told": told, "went": went}
