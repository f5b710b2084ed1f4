"""The command line: what it writes is its user's alone."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from web.cli import app


def test_what_is_written_is_for_our_own_user_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "var"))
    before = os.umask(0o022)
    try:
        assert CliRunner().invoke(app, ["migrate"]).exit_code == 0
    finally:
        os.umask(before)
    made = [tmp_path / "var", *(tmp_path / "var").rglob("*")]
    assert len(made) > 1
    assert [path for path in made if stat.S_IMODE(path.stat().st_mode) & 0o077] == []
