"""What a folder on disk says after a crash at any byte."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from recordings.boxes import KEY, PICTURE, SOUND, SOUND_FLAGS, Sample, fragment, runs, whole
from recordings.spool import TakeFolder, TakeInfo

INFO = TakeInfo("take000000000000", "hall", "helsinki", "artist", "main", 1, 7, 1_790_000_000_000)


def chunk(number: int) -> bytes:
    """Half a second: five pictures and 23 frames of sound."""
    pictures = [Sample(45_000 * number + 9_000 * n, 9_000, bytes(50), KEY) for n in range(5)]
    sound = [Sample(24_000 * number + 1024 * n, 1024, bytes(9), SOUND_FLAGS) for n in range(23)]
    return fragment(number, [(PICTURE, pictures), (SOUND, sound)])


CHUNKS = [chunk(number) for number in range(1, 5)]


@given(st.integers(0, sum(map(len, CHUNKS))))
def test_a_torn_segment_is_cut_after_its_last_whole_chunk(size: int) -> None:
    with TemporaryDirectory() as spool:
        folder = TakeFolder.create(Path(spool), INFO)
        folder.init(0, b"init")
        folder.open(0, 0, 1_790_000_000.0)
        folder.append(b"".join(CHUNKS)[:size])
        folder.abandon()
        (found,) = TakeFolder.found(Path(spool))
        assert found.info == INFO
        found.mend()
        found.mend()
        refs = found.refs()
        complete = sum(size >= sum(map(len, CHUNKS[: n + 1])) for n in range(4))
        if not complete:
            assert refs == []
            return
        (ref,) = refs
        assert ref.duration_s == complete * 0.5
        assert (ref.start_s, ref.index, ref.discontinuity) == (0.5, 0, True)
        assert ref.key == "takes/take000000000000/program/00000007-00000000.m4s"
        data = found.files()[ref.key].read_bytes()
        assert whole(data) == len(data) == ref.size


def test_the_journals_torn_last_line_is_made_up_for(tmp_path: Path) -> None:
    folder = TakeFolder.create(tmp_path, INFO)
    for index in range(3):
        folder.init(index, b"init")
        folder.open(index, index, 1_790_000_000.0 + 2 * index)
        folder.append(CHUNKS[index])
        folder.close()
    journal = folder.path / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-9])
    refs = folder.refs()
    assert [int(ref.init[-5]) for ref in refs] == [0, 1, 1]
    assert refs[2].wall_s == refs[1].wall_s + 0.5


def test_what_is_no_take_is_swept_out_of_the_spool(tmp_path: Path) -> None:
    TakeFolder.create(tmp_path, INFO)
    for name, text in [("a", ""), ("b", "{"), ("c", json.dumps({"take": "c"})), ("d", None)]:
        (tmp_path / name).mkdir()
        if text is not None:
            (tmp_path / name / "take.json").write_text(text)
    assert [folder.info for folder in TakeFolder.found(tmp_path)] == [INFO]
    assert [path.name for path in tmp_path.iterdir()] == [INFO.take]


@given(st.binary(max_size=200))
def test_garbage_has_no_whole_fragment_and_reading_it_ends(data: bytes) -> None:
    assert 0 <= whole(data) <= len(data)
    assert next(runs(CHUNKS[0] + data[:3])).track == PICTURE
