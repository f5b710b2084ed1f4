/**
 * What guest and companion share once they are in: one connection, the room as they may see it, and
 * the parts of the hall, each of which may fail alone.
 *
 * @module evening
 */

import { Applause } from "./applause.js";
import { Chat } from "./chat.js";
import { begin, need } from "./component.js";
import { Connection } from "./connection.js";
import { Help } from "./help.js";
import { Ladder, hasPeers } from "./ladder.js";
import { Viewer } from "./media.js";
import { Player } from "./player.js";
import { reduce } from "./room.js";
import { SoundSheet } from "./sound.js";
import { Stage, sceneOf } from "./stage.js";
import { Trouble } from "./trouble.js";

/** @typedef {import("./wire.js").ServerMessage} ServerMessage */
/** @typedef {import("./wire.js").Snapshot} Snapshot */
/** @typedef {import("./wire.js").Bye} Bye */
/** @typedef {import("./wire.js").Waiting} Waiting */
/** @typedef {import("./texts.js").PageData} PageData */
/** @typedef {import("./media.js").Offer} Offer */

const RECORDING_MS = 5000;

export class Evening {
  #data;
  #hooks;
  #root;
  /** @type {Snapshot|null} */
  #state = null;
  /** @type {import("./wire.js").StageMessage["state"]} */
  #onStage = "empty";
  #skew;
  #ended = false;
  /** @type {ReturnType<typeof setInterval>|undefined} */
  #recording;

  /**
   * @param {PageData} data
   * @param {Object} hooks
   * @param {() => string} hooks.starts when the show starts, as a sentence
   * @param {boolean} hooks.writes whether this role writes in the conversation
   * @param {boolean} hooks.helped whether *Pyydän apua* reaches the host
   * @param {(state: Snapshot) => void} [hooks.onState]
   * @param {(waiting: Waiting) => void} [hooks.onWaiting]
   * @param {(reason: Bye["reason"]) => void} hooks.onBye
   */
  constructor(data, hooks) {
    this.#data = data;
    this.#hooks = hooks;
    this.#skew = data.now_ms - Date.now();
    this.#root = need(document, "#theatre", HTMLElement);
    this.connection = new Connection({
      url: data.urls.ws,
      onMessage: (message) => this.#hear(message),
      onState: (state) => this.#connected(state === "open"),
    });
    /** @type {Connection["send"]} */
    this.send = (command) => this.connection.send(command);
    this.player = new Player(need(document, "#picture", HTMLElement));
    this.viewer = new Viewer({
      connection: this.connection,
      video: this.player.video,
      onStream: (stream) => this.player.hear(stream),
      onFrame: () => this.player.forgetStill(),
      soundLag: () => this.player.lag,
      onState: (state) => {
        if (state === "connecting") this.player.keepStill();
      },
    });
    this.ladder = new Ladder({
      send: this.send,
      viewer: hasPeers() ? this.viewer : null,
      player: this.player,
    });
    this.#begin();
  }

  /** The server's time in ms. */
  now() {
    return Date.now() + this.#skew;
  }

  /** Within the tap: everything that only a tap may start. */
  tap() {
    this.player.unlock();
    this.ladder.tap();
    if (hasPeers()) this.viewer.prepare();
  }

  /**
   * The seat is taken: connect, and answer the offer that came along.
   *
   * @param {Offer|null} offer
   */
  enter(offer) {
    this.connection.start();
    if (offer && hasPeers()) this.viewer.take(offer).catch(() => this.viewer.view().catch(() => {}));
  }

  /** Ends everything; what was heard and seen is gone. */
  leave() {
    this.#ended = true;
    clearInterval(this.#recording);
    for (const part of [this.chat, this.help, this.sound, this.applause, this.trouble, this.stage]) part?.stop();
    this.ladder.stop();
    this.viewer.close();
    this.player.stop();
    this.connection.close();
  }

  /** The companion's right is gone: no picture, no sound, no room any more; the connection stays. */
  forget() {
    this.#state = null;
    this.#onStage = "empty";
    this.#expect(false, false);
    this.viewer.stop();
    this.player.video.srcObject = null;
    this.player.forgetStill();
  }

  #begin() {
    const { send, player, viewer, connection } = this;
    const { seat } = this.#data;
    this.stage = begin("#stage", (root) => new Stage(root, { starts: this.#hooks.starts }));
    this.trouble = begin("#trouble", (root) => new Trouble(root, { viewer, connection, player, ladder: this.ladder }));
    this.applause = begin("#applaud", (root) =>
      new Applause(root, { stage: need(document, "#stage", HTMLElement), send, context: () => player.context }),
    );
    this.sound = begin("#sound-sheet", (root) =>
      new SoundSheet(root, {
        opener: need(document, "#sound", HTMLElement),
        player,
        applause: this.applause ?? null,
        onOpen: (open) => this.#side("sound", open),
      }),
    );
    this.chat = begin("#talk", (root) =>
      new Chat(root, { seat, send, writes: this.#hooks.writes, onOpen: (open) => this.#side("talk", open) }),
    );
    this.help = begin("#ask-help", (root) =>
      new Help(root, {
        note: need(document, "#help-note", HTMLElement),
        seat,
        send: this.#hooks.helped ? send : null,
      }),
    );
  }

  /**
   * Beside the picture there is room for one: the conversation or the sound.
   *
   * @param {"talk"|"sound"} which
   * @param {boolean} open
   */
  #side(which, open) {
    if (open && which === "talk") this.sound?.open(false);
    if (open && which === "sound" && this.#root.dataset.side === "talk") this.chat?.open(false);
    this.#root.dataset.side = open ? which : "";
  }

  /** @param {boolean} open */
  #connected(open) {
    this.trouble?.connected(open);
    if (!open || !this.#state || this.trouble?.flows) return;
    // Back on the wire without a moving picture: does the old session still stand?
    const { viewer } = this;
    const stands = viewer.session ? viewer.keyframe() : Promise.reject(new Error("no session"));
    stands.catch((refusal) => {
      if (refusal.code !== "lost" && refusal.code !== "closed") this.#view();
    });
  }

  /**
   * @param {boolean} expected a picture should be moving
   * @param {boolean} stalled
   */
  #expect(expected, stalled) {
    this.ladder.expect(expected, stalled);
    this.trouble?.expect(expected, stalled);
  }

  #view() {
    const phase = this.#state?.phase;
    if (!this.ladder.wantsLine) return;
    if (phase !== "doors" && phase !== "live" && phase !== "interval") return;
    this.viewer.view().catch(() => {}); // trouble watches the frames and asks again
  }

  /** @param {ServerMessage} message */
  #hear(message) {
    switch (message.type) {
      case "snapshot":
        return this.#become(message.state);
      case "event":
        return this.#state ? this.#become(reduce(this.#state, message.event)) : undefined;
      case "waiting":
        this.forget();
        return this.#hooks.onWaiting?.(message);
      case "stage":
        this.#onStage = message.state;
        return this.#show();
      case "presence":
        return this.stage?.count(message.heads);
      case "applause":
        return this.applause?.hear(message.claps);
      case "media.offer":
        if (!this.ladder.wantsLine) return undefined;
        return void this.viewer.take(message).catch(() => this.#view());
      case "media.ended":
        this.viewer.ended(message.session);
        return message.reason === "replaced" ? undefined : this.#view();
      case "bye":
        if (message.back_ms === null) this.#hooks.onBye(message.reason);
        return undefined;
      default:
        return undefined;
    }
  }

  /** @param {Snapshot} state */
  #become(state) {
    const first = this.#state === null;
    this.#state = state;
    this.#show();
    if (first && !this.viewer.session) this.#view();
    this.chat?.update(state);
    this.help?.update(state);
    this.#hooks.onState?.(state);
  }

  #show() {
    const state = this.#state;
    if (!state) return;
    const scene = sceneOf(state.phase, this.#onStage);
    if (scene !== "play") this.player.forgetStill();
    this.stage?.show(scene);
    this.applause?.allow(scene !== "foyer" && scene !== "cancelled");
    this.#expect(scene === "play", this.#onStage === "stalled");
    const over = scene === "ended" || scene === "cancelled";
    this.#root.toggleAttribute("data-over", over);
    need(document, "#leave-hall", HTMLElement).hidden = !over;
    if (scene === "ended") this.#awaitRecording();
  }

  /** The recording stands in the catalogue some seconds after the end; its button comes then. */
  #awaitRecording() {
    const link = need(document, "#watch-recording", HTMLAnchorElement);
    if (this.#recording !== undefined || this.#ended) return;
    const ask = async () => {
      const answer = await fetch(location.pathname, { headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      const { urls } = /** @type {PageData} */ (await answer.json());
      if (!urls.recording) return;
      clearInterval(this.#recording);
      link.href = urls.recording;
      link.hidden = false;
    };
    this.#recording = setInterval(() => void ask().catch(() => {}), RECORDING_MS);
  }
}
