"""The kept corpora are harmless, and so are a few hundred bendings of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import media
from tests.fuzz.seeds import BY_HAND, CORPUS, TARGETS, bent, kept, seeds


@pytest.fixture(scope="module", autouse=True)
def _doors() -> Iterator[None]:
    yield
    media.close()


@pytest.mark.parametrize("target", TARGETS)
def test_what_was_found_once_is_harmless(target: str) -> None:
    for data in seeds(target):
        TARGETS[target](data)


@pytest.mark.parametrize("target", TARGETS)
def test_bendings_are_harmless(target: str) -> None:
    @settings(max_examples=40, database=None)
    @given(st.data())
    def bend(data: st.DataObject) -> None:
        TARGETS[target](data.draw(bent(target)))

    bend()


def test_each_target_has_seeds_and_the_corpora_stay_small() -> None:
    assert BY_HAND.keys() == TARGETS.keys()
    assert {path.name for path in CORPUS.iterdir()} <= TARGETS.keys()
    files = [path for target in TARGETS for path in kept(target)]
    assert sum(path.stat().st_size for path in files) < 300_000
