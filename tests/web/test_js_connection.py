"""The room's socket in the browser: numbered resume, resending by key, waiting with jitter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.web.javascript import ask, modules

# A socket without a network, timers that run when told, and a server's side to speak from.
STAGE = """
const timers = []; let clock = 0;
globalThis.setTimeout = (work, ms) => timers.push({work, at: clock + ms, ms}) ;
globalThis.clearTimeout = (id) => { if (timers[id - 1]) timers[id - 1].work = null; };
const pass = (ms) => {
  const end = clock + ms;
  for (;;) {
    const next = timers.filter((t) => t.work && t.at <= end).sort((a, b) => a.at - b.at)[0];
    if (!next) break;
    clock = next.at; const {work} = next; next.work = null; work();
  }
  clock = end;
};
const sockets = [], told = [], states = [];
class Socket {
  constructor(url) { this.url = url; this.readyState = 0; this.sent = []; sockets.push(this); }
  open() { this.readyState = 1; this.onopen?.(); }
  say(message) { this.onmessage?.({data: JSON.stringify(message)}); }
  send(data) { this.sent.push(JSON.parse(data)); }
  die() { this.readyState = 3; this.onclose?.(); }
  close() { this.readyState = 3; }
}
const connection = new Connection({
  url: "ws://house/r/a/ws", create: (url) => new Socket(url),
  onMessage: (message) => told.push(message), onState: (state) => states.push(state),
});
const settled = [];
const send = (command) => connection.send(command).then(
  (reply) => settled.push(reply), (refusal) => settled.push({refused: refusal.code, text: refusal.text}));
const snapshot = (seq) => ({type: "snapshot", seq, now: 0, you: "a", role: "guest", state: {}});
const event = (seq) => ({type: "event", seq, event: {type: "line.hidden", line: 1}});
const tick = () => new Promise((resolve) => setImmediate(resolve));
"""


@pytest.fixture(scope="module")
def js(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return modules(tmp_path_factory.mktemp("modules"))


def play(js: Path, steps: str) -> Any:
    """What is left after these steps of JavaScript; they end with a `return`."""
    return ask(js, "connection.js: Connection, WRITING", f"(async () => {{ {STAGE}\n{steps} }})()")


def test_the_first_word_is_hello_and_the_next_one_resumes_after_the_last_event(js: Path) -> None:
    hellos = play(
        js,
        """connection.start(); sockets[0].open(); sockets[0].say(snapshot(4));
        sockets[0].say(event(7)); sockets[0].die(); pass(600); sockets[1].open();
        return sockets.map((socket) => socket.sent[0]);""",
    )
    assert [hello["type"] for hello in hellos] == ["hello", "hello"]
    assert [hello["after"] for hello in hellos] == [None, 7]


def test_an_event_that_was_seen_is_not_told_twice(js: Path) -> None:
    seqs = play(
        js,
        """connection.start(); sockets[0].open(); sockets[0].say(snapshot(4));
        for (const seq of [4, 5, 5, 6]) sockets[0].say(event(seq));
        return told.filter((m) => m.type === "event").map((m) => m.seq);""",
    )
    assert seqs == [5, 6]


def test_who_was_cut_from_the_room_resumes_nothing(js: Path) -> None:
    after = play(
        js,
        """connection.start(); sockets[0].open(); sockets[0].say(snapshot(4));
        sockets[0].say({type: "waiting", state: "ended", until: null, asks_left: 1});
        sockets[0].die(); pass(600); sockets[1].open(); return sockets[1].sent[0].after;""",
    )
    assert after is None


def test_a_written_command_goes_again_under_the_same_key_and_another_is_refused(js: Path) -> None:
    sent, settled = play(
        js,
        """connection.start(); sockets[0].open(); sockets[0].say(snapshot(1));
        send({type: "line.write", text: "Hei"}); send({type: "media.view"});
        sockets[0].die(); await tick(); pass(600); sockets[1].open();
        const again = sockets[1].sent.find((m) => m.type === "line.write");
        sockets[1].say({type: "ack", id: again.id, seq: 9}); await tick();
        return [sockets.map((s) => s.sent.slice(1)), settled];""",
    )
    first, second = sent
    assert [message["type"] for message in first] == ["line.write", "media.view"]
    assert [message["type"] for message in second] == ["line.write"]
    assert first[0]["key"] == second[0]["key"]
    assert "key" not in first[1]
    assert settled == [{"refused": "lost", "text": ""}, {"type": "ack", "id": 1, "seq": 9}]


def test_a_refusal_brings_the_servers_sentence(js: Path) -> None:
    settled = play(
        js,
        """connection.start(); sockets[0].open(); sockets[0].say(snapshot(1));
        send({type: "help.ask"});
        sockets[0].say({type: "error", id: 1, code: "phase", status: 409, text: "Ei nyt."});
        await tick(); return settled;""",
    )
    assert settled == [{"refused": "phase", "text": "Ei nyt."}]


def test_the_pauses_grow_from_half_a_second_to_eight_and_are_not_all_alike(js: Path) -> None:
    pauses = play(
        js,
        """connection.start(); const pauses = [];
        for (let i = 0; i < 40; i += 1) { sockets[i].die();
          const t = timers.filter((x) => x.work).sort((a, b) => a.at - b.at)[0];
          pauses.push(t.ms); pass(t.ms); }
        return pauses;""",
    )
    assert pauses[0] == 500
    assert all(500 <= pause <= 8000 for pause in pauses)
    assert max(pauses[1:]) > 4000
    assert len(set(pauses[10:])) > 20


def test_a_last_goodbye_ends_it_and_another_comes_back(js: Path) -> None:
    gone, back = play(
        js,
        """connection.start(); sockets[0].open(); sockets[0].say(snapshot(1));
        sockets[0].say({type: "bye", reason: "restart", back_ms: 2000}); sockets[0].die();
        pass(1900); const early = sockets.length; pass(2200); sockets[1].open();
        sockets[1].say({type: "bye", reason: "removed", back_ms: null}); sockets[1].die();
        pass(60000); return [sockets.length, early];""",
    )
    assert (gone, back) == (2, 1)


def test_silence_is_asked_and_unanswered_it_is_a_lost_connection(js: Path) -> None:
    asked, states, count = play(
        js,
        """connection.start(); sockets[0].open(); sockets[0].say(snapshot(3)); pass(20000);
        const asked = sockets[0].sent.at(-1); pass(6000); await tick(); pass(1000);
        return [asked, states, sockets.length];""",
    )
    assert (asked["type"], asked["after"]) == ("hello", 3)
    assert states == ["open", "lost"]
    assert count == 2


def test_a_listener_that_fails_does_not_break_the_connection(js: Path) -> None:
    told = play(
        js,
        """console.error = () => {}; let calls = 0;
        const other = new Connection({url: "ws://x/", create: (url) => new Socket(url),
          onMessage: () => { calls += 1; throw new Error("no"); }, onState: () => {}});
        other.start(); sockets[0].open(); sockets[0].say(snapshot(1)); sockets[0].say(event(2));
        return [calls, other.open];""",
    )
    assert told == [2, True]
