"""How a publisher heals, refuses to fight and gives up: the real module, with peer connections of paper."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.web.javascript import ask, modules

# A browser's edges as far as the publisher touches them. `world` steers: does a line come up, what
# does the server answer; it notes what was done.
PAPER = """
(async () => {
  globalThis.window = globalThis;
  globalThis.addEventListener = () => {};
  globalThis.RTCRtpSender = { getCapabilities: () => ({ codecs: [] }) };
  const world = { peers: [], offers: 0, states: [], comesUp: true, answer: null,
    restarts: 0, wayOut: false };
  globalThis.RTCPeerConnection = class {
    constructor() { this.connectionState = "new"; this.bytes = 0; world.peers.push(this); }
    addTransceiver() { return {}; }
    createOffer(options) {
      if (options?.iceRestart) this.restarting = true;
      return Promise.resolve({ sdp: "v=0\\r\\n" });
    }
    setLocalDescription() { return Promise.resolve(); }
    setRemoteDescription() {
      if (this.restarting && world.wayOut) this.silent = false;
      if (world.comesUp && !this.silent) this.become("connected");
      return Promise.resolve();
    }
    getSenders() { return []; }
    getStats() {
      if (!this.silent) this.bytes += 100;
      return Promise.resolve(new Map([["t", { type: "transport", bytesReceived: this.bytes }]]));
    }
    become(state) { this.connectionState = state; this.onconnectionstatechange?.(); }
    close() { this.connectionState = "closed"; }
  };
  const wire = {
    open: true,
    send: (command) => {
      if (command.type === "media.restart") {
        world.restarts += 1;
        return world.wayOut
          ? Promise.resolve({ session: command.session, sdp: "v=0\\r\\n" })
          : Promise.reject(new Refusal("no_such_session", 404, ""));
      }
      if (command.type !== "media.publish") return Promise.resolve({});
      world.offers += 1;
      return world.answer?.() ?? Promise.resolve({ session: `s${world.offers}`, sdp: "v=0\\r\\n" });
    },
  };
  const publisher = new Publisher({
    wire, random: () => 0, onState: (state) => world.states.push(state),
  });
  const until = async (what) => {
    for (const end = Date.now() + 12_000; !what(); ) {
      if (Date.now() > end) throw new Error(`not within 12 s: ${what}; ${world.states}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const sending = () => publisher.state === "sending";
  publisher.start({ getTracks: () => [], getAudioTracks: () => [], getVideoTracks: () => [] }, {
    music: true,
  });
  const story = %s;
  const told = await story({ world, wire, publisher, until, sending });
  publisher.stop();
  return told;
})()
"""


@pytest.fixture(scope="module")
def js(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return modules(tmp_path_factory.mktemp("modules"))


def tell(js: Path, story: str) -> Any:
    return ask(js, "publish.js: Publisher; connection.js: Refusal", PAPER % story)


def test_a_line_that_fails_is_replaced_and_the_state_tells_it(js: Path) -> None:
    states = tell(
        js,
        """async ({ world, until, sending }) => {
          await until(sending);
          world.peers[0].become("failed");
          await until(() => world.peers.length === 2 && sending());
          return [[...world.states], world.peers[0].connectionState];
        }""",
    )
    assert states == [["connecting", "sending", "healing", "sending"], "closed"]


@pytest.mark.parametrize("how", ["failed", "silent"])
def test_a_line_with_another_way_out_keeps_its_session(js: Path, how: str) -> None:
    told = tell(
        js,
        """async ({ world, until, sending }) => {
          await until(sending);
          world.wayOut = true;
          world.peers[0].silent = true;
          if ("HOW" === "failed") world.peers[0].become("failed");
          await until(() => world.restarts === 1 && sending());
          return [world.peers.length, world.offers, [...world.states]];
        }""".replace("HOW", how),
    )
    assert told == [1, 1, ["connecting", "sending", "healing", "sending"]]


def test_silence_from_the_server_is_a_dead_line_though_ice_says_connected(js: Path) -> None:
    peers = tell(
        js,
        """async ({ world, until, sending }) => {
          await until(sending);
          world.peers[0].silent = true;
          await until(() => world.peers.length === 2 && sending());
          return world.peers.length;
        }""",
    )
    assert peers == 2


def test_the_servers_word_that_a_session_ended_heals_at_once(js: Path) -> None:
    offers = tell(
        js,
        """async ({ world, publisher, until, sending }) => {
          await until(sending);
          publisher.ended("another", "vanished");
          publisher.ended("s1", "vanished");
          await until(() => world.offers === 2 && sending());
          return world.offers;
        }""",
    )
    assert offers == 2


def test_a_feed_taken_over_is_not_fought(js: Path) -> None:
    story = tell(
        js,
        """async ({ world, publisher, until, sending }) => {
          await until(sending);
          publisher.ended("s1", "replaced");
          await new Promise((resolve) => setTimeout(resolve, 1500));
          return [publisher.state, world.offers];
        }""",
    )
    assert story == ["elsewhere", 1]


@pytest.mark.parametrize(
    ("status", "state"), [(409, "refused"), (403, "refused"), (422, "refused")]
)
def test_a_refusal_is_told_and_not_tried_again(js: Path, status: int, state: str) -> None:
    story = tell(
        js,
        f"""async ({{ world, publisher, until, sending }}) => {{
          await until(sending);
          world.answer = () => Promise.reject(new Refusal("no", {status}, ""));
          world.peers[0].become("failed");
          await until(() => publisher.state === "refused");
          await new Promise((resolve) => setTimeout(resolve, 1200));
          return [publisher.state, world.offers];
        }}""",
    )
    assert story == [state, 2]


def test_a_server_in_trouble_is_tried_again(js: Path) -> None:
    offers = tell(
        js,
        """async ({ world, until, sending }) => {
          await until(sending);
          const troubles = [503, 429];
          world.answer = () => {
            const status = troubles.shift();
            return status ? Promise.reject(new Refusal("busy", status, "")) : undefined;
          };
          world.peers[0].become("failed");
          await until(() => world.offers === 4 && sending());
          return world.offers;
        }""",
    )
    assert offers == 4


def test_without_a_socket_no_offer_is_queued_and_its_return_is_used_at_once(js: Path) -> None:
    story = tell(
        js,
        """async ({ world, wire, publisher, until, sending }) => {
          await until(sending);
          wire.open = false;
          world.peers[0].become("failed");
          await until(() => publisher.state === "healing");
          await new Promise((resolve) => setTimeout(resolve, 1800));
          const meanwhile = world.offers;
          wire.open = true;
          const back = Date.now();
          publisher.retry();
          await until(sending);
          return [meanwhile, world.offers, Date.now() - back < 700];
        }""",
    )
    assert story == [1, 2, True]


def test_stop_tells_the_server_and_nothing_comes_after(js: Path) -> None:
    story = tell(
        js,
        """async ({ world, wire, publisher, until, sending }) => {
          await until(sending);
          const told = [];
          const send = wire.send;
          wire.send = (command) => { told.push(command); return send(command); };
          publisher.stop();
          publisher.stop();
          world.peers[0].become("failed");
          await new Promise((resolve) => setTimeout(resolve, 1200));
          return [told, publisher.state, world.offers, world.peers[0].connectionState];
        }""",
    )
    assert story == [[{"type": "media.stop", "session": "s1"}], "off", 1, "failed"]
