"""Two lanes of tests side by side: evenings in the one, so that two never share the processor, and files of
all the others in whichever is free."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling


class Lanes(LoadScopeScheduling):  # type: ignore[misc]  # it comes without types
    """xdist's own scheduling by scopes, with scopes of ours."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "tests/evening" if file.startswith("tests/evening/") else file
