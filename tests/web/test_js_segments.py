"""The segments' loader reads what the house writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from recordings.boxes import KEY, PICTURE, SOUND, SOUND_FLAGS, Sample, fragment
from recordings.manifest import join
from recordings.ports import SegmentRef
from tests.web.javascript import ask, modules

BASE = "https://house.example/media/abc/index.m3u8"


@pytest.fixture
def node(tmp_path: Path) -> Path:
    return modules(tmp_path)


def test_the_playlist_becomes_one_timeline_with_its_periods(node: Path) -> None:
    def refs(take: str, *lengths: float) -> list[SegmentRef]:
        return [
            SegmentRef(f"takes/{take}/{n}", f"takes/{take}/init", n, 0.5, length, 1, 0.0, n == 0)
            for n, length in enumerate(lengths)
        ]

    text = join("hall", [refs("a", 2, 1.95), refs("b", 2.25)]).text()
    found = ask(node, "cmaf.js: parsePlaylist", "parsePlaylist(text, base)", text=text, base=BASE)
    assert [one["start"] for one in found] == pytest.approx([0, 2, 3.95])
    assert [one["period"] for one in found] == [0, 0, 1]
    assert found[2]["url"] == "https://house.example/media/abc/000002.m4s"
    assert [one["init"].rsplit("/")[-1] for one in found] == ["init-000.mp4"] * 2 + ["init-001.mp4"]


@pytest.mark.parametrize("dts", [0, 45_000, 2**33])
def test_the_first_pictures_time_is_read_from_the_fragment(node: Path, dts: int) -> None:
    sound = Sample(7, 1024, b"aac", SOUND_FLAGS)
    data = fragment(1, [(SOUND, [sound])])
    data += fragment(2, [(PICTURE, [Sample(dts, 3000, b"picture", KEY)]), (SOUND, [sound])])
    read = "firstPicture(Uint8Array.from(bytes).buffer)"
    found = ask(node, "cmaf.js: firstPicture", read, bytes=list(data))
    assert found == pytest.approx(dts / 90_000)


def test_what_is_no_segment_is_refused(node: Path) -> None:
    tried = """[[], [0, 0, 0, 0, 109, 111, 111, 102], [0, 0, 0, 255, 109, 111, 111, 102, 1]].map((bytes) => {
      try { firstPicture(Uint8Array.from(bytes).buffer); return "read"; } catch (error) { return error.message; }
    })"""
    found = ask(node, "cmaf.js: firstPicture", tried)
    assert found == ["a segment without a picture"] * 3


@pytest.mark.parametrize(
    ("seconds", "lang", "words"),
    [(0, "fi", "0.00"), (61.9, "sv", "1.01"), (3_671, "fi", "1.01.11"), (3_671, "en", "1:01:11")],
)
def test_times_are_written_as_the_language_does(
    node: Path, seconds: float, lang: str, words: str
) -> None:
    found = ask(
        node, "clocktime.js: clockTime", "clockTime(seconds, lang)", seconds=seconds, lang=lang
    )
    assert found == words


ATTACHED = """(async () => {
  globalThis.document = new EventTarget();
  URL.createObjectURL = () => "blob:one";
  const revoked = [];
  URL.revokeObjectURL = (url) => revoked.push(url);
  const said = [];
  const attempt = (kind) =>
    attach(kind, {}, 5).then(() => said.push("open"), (error) => said.push(error.message));
  class Mute extends EventTarget {}
  class Opens extends EventTarget {
    constructor() {
      super();
      queueMicrotask(() => this.dispatchEvent(new Event("sourceopen")));
    }
  }
  await attempt(Opens);
  document.hidden = true;
  const unseen = attempt(Mute);
  await new Promise((resolve) => setTimeout(resolve, 20));
  said.push("unseen");
  document.hidden = false;
  document.dispatchEvent(new Event("visibilitychange"));
  await unseen;
  return [said, revoked.length];
})()"""


def test_a_source_that_does_not_open_is_trouble_once_its_time_was_seen(node: Path) -> None:
    said, revoked = ask(node, "mse.js: attach", ATTACHED)
    assert said == ["open", "unseen", "a source that does not open"]
    assert revoked == 2
