"""A server whose codecs are counted: each one made leaves a line with the module that made it.

Python runs `sitecustomize` before anything else; ours puts a counting `CodecContext` in PyAV's place, so
that the product itself need not know that it is watched.
"""

from __future__ import annotations

from pathlib import Path

_SITE = '''
import sys

import av
import av.codec

_create = av.CodecContext.create


class CodecContext(type("Base", (), {})):
    """Stands where av.CodecContext stood."""

    @staticmethod
    def create(*arguments, **named):
        with open({path!r}, "a") as file:
            print(sys._getframe(1).f_globals.get("__name__", "?"), arguments[:2], file=file)
        return _create(*arguments, **named)


av.CodecContext = av.codec.CodecContext = CodecContext
'''


class CountedCodecs:
    """Where the counting server writes; `environment` makes a server such a one."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "codecs.txt"
        site = folder / "site"
        site.mkdir()
        (site / "sitecustomize.py").write_text(_SITE.replace("{path!r}", repr(str(self._path))))
        self.environment = {"PYTHONPATH": str(site)}

    def made(self) -> list[str]:
        """The modules that made a codec so far, one entry each."""
        if not self._path.exists():
            return []
        return [line.split(" ")[0] for line in self._path.read_text().splitlines()]


def threads(pid: int) -> list[str]:
    """The names of a process's threads."""
    return sorted(path.read_text().strip() for path in Path(f"/proc/{pid}/task").glob("*/comm"))
