/**
 * Watches frames, sound and the connection; says one sentence when something is wrong, mends what
 * the page can mend, and falls silent when it is over. `judge` decides, and knows no DOM.
 *
 * @module trouble
 */

import { Component } from "./component.js";
import { phoned, text } from "./texts.js";

/** @typedef {import("./media.js").Viewer} Viewer */
/** @typedef {import("./connection.js").Connection} Connection */
/** @typedef {import("./player.js").Player} Player */
/** @typedef {import("./ladder.js").Ladder} Ladder */
/** @typedef {"picture_soon"|"err_old_device"|"artist_lost"|"lost_connection"|"still_lost"|"sound_only"|"sound_waits"} Sentence */
/** @typedef {"probe"|"keyframe"|"restart"|"view"} Remedy */
/**
 * @typedef {Object} Watched times in ms on one clock
 * @property {number} now
 * @property {number|null} lostAt when the page's own connection went, null while it stands
 * @property {boolean} expected a picture should be moving
 * @property {boolean} stalled the server says that the artist's feed does not come in
 * @property {boolean} blind this browser cannot have the usual picture but by segments
 * @property {boolean} first nothing was seen yet
 * @property {boolean} lineUp ICE and DTLS of the media stand
 * @property {number} lineAt when anything last came that way, likewise
 * @property {number|null} mendAt when another way was first looked for since the picture stands
 * @property {number} pictureAt the last frame, or since when frames are expected
 * @property {number} soundAt the last progress of sound, likewise
 */

const SAY_MS = 2000;
const PHONE_MS = 20000;
const DOUBT_MS = 1000;
// So long nothing at all has come (the server's reports come each second): the way is broken. The viewer
// then looks for another, and takes a new session where there is none; only after that it is asked for here.
const DEAD_MS = 2000;
const STILL_MS = 300;
const AFTER_RESTART_MS = 8000;
// While something comes, the artist's own loss is likelier: the server tells of it within 4 s, and a
// whole hall need not knock at once.
const ANEW_LINE_UP_MS = 5000;
const OURS_MS = 5500;
// So long the segments may take where they are the only way.
const BLIND_MS = 8000;
const REMEDY_PAUSE = { probe: 2000, keyframe: 2000, restart: 4000, view: 4000 };
const LOOK_MS = 250;
const BACK_MS = 4000;

/**
 * What to say, and what to try.
 *
 * @param {Watched} watched
 * @returns {{sentence: Sentence|null, remedies: Remedy[]}}
 */
export function judge(watched) {
  const { now, lostAt, expected, stalled, blind, first, lineUp, lineAt, mendAt, pictureAt, soundAt } = watched;
  const still = expected ? now - pictureAt : 0;
  if (lostAt !== null) {
    const lost = expected ? still : now - lostAt;
    return { sentence: lost >= PHONE_MS ? "still_lost" : lost >= SAY_MS ? "lost_connection" : null, remedies: [] };
  }
  if (!expected || still < DOUBT_MS) return { sentence: null, remedies: [] };
  // The server knows why nothing comes; there is nothing to mend here.
  if (stalled) return { sentence: "artist_lost", remedies: [] };
  const heard = now - soundAt < DOUBT_MS * 2;
  const soon = first && still >= SAY_MS ? "picture_soon" : null;
  // Nothing mends a browser without H.264; asking anew would only break the sound it has.
  if (blind && heard) return { sentence: still >= BLIND_MS ? "err_old_device" : soon, remedies: [] };
  const dead = still >= DEAD_MS && (!lineUp || now - lineAt >= DEAD_MS);
  const anew = mendAt === null ? still >= ANEW_LINE_UP_MS && !dead : now - mendAt >= AFTER_RESTART_MS;
  /** @type {Remedy[]} */
  const remedies = ["probe", anew ? "view" : dead ? "restart" : "keyframe"];
  if (heard) return { sentence: still >= OURS_MS ? "sound_only" : soon, remedies };
  if (still >= PHONE_MS) return { sentence: "still_lost", remedies };
  return { sentence: still >= OURS_MS ? "lost_connection" : soon, remedies };
}

export class Trouble extends Component {
  #heading = this.need("[data-heading]", HTMLElement);
  #line = this.need("[data-line]", HTMLElement);
  #action = this.need("[data-action]", HTMLButtonElement);
  #viewer;
  #connection;
  #player;
  #ladder;
  /** @type {number|null} */
  #lostAt = null;
  #expected = false;
  #stalled = false;
  #since = 0;
  #soundAt = 0;
  #packets = 0;
  #lineAt = 0;
  #bytes = 0;
  /** @type {number|null} */
  #mendAt = null;
  #counting = false;
  #silentSince = 0;
  /** @type {Record<Remedy, number>} */
  #tried = { probe: 0, keyframe: 0, restart: 0, view: 0 };
  #views = 0;
  /** @type {Sentence|"back"|null} */
  #said = null;
  #backUntil = 0;

  /**
   * @param {HTMLElement} root the note
   * @param {Object} options
   * @param {Viewer} options.viewer
   * @param {Connection} options.connection
   * @param {Player} options.player
   * @param {Ladder} options.ladder by which way the picture comes
   */
  constructor(root, { viewer, connection, player, ladder }) {
    super(root);
    this.#viewer = viewer;
    this.#connection = connection;
    this.#player = player;
    this.#ladder = ladder;
    this.listen(this.#action, "click", () => {
      player.unlock();
      ladder.tap();
      this.#say(null);
    });
    this.listen(document, "visibilitychange", () => {
      if (document.hidden) return;
      this.#since = this.#soundAt = this.#lineAt = performance.now();
      connection.nudge();
    });
    this.every(LOOK_MS, () => this.#look());
  }

  /** Is the picture moving now? */
  get flows() {
    return performance.now() - this.#ladder.lastFrameAt < DOUBT_MS;
  }

  /**
   * @param {boolean} expected a picture should be moving
   * @param {boolean} stalled
   */
  expect(expected, stalled) {
    const now = performance.now();
    if ((expected && !this.#expected) || (this.#stalled && !stalled)) {
      this.#since = this.#soundAt = this.#lineAt = now;
    }
    this.#expected = expected;
    this.#stalled = stalled;
    if (!expected) this.#player.forgetStill();
  }

  /** @param {boolean} open */
  connected(open) {
    this.#lostAt = open ? null : (this.#lostAt ?? performance.now());
    if (open) this.#since = Math.max(this.#since, performance.now() - DOUBT_MS);
  }

  #look() {
    if (document.hidden) return;
    const now = performance.now();
    const pictureAt = Math.max(this.#ladder.lastFrameAt, this.#since);
    if (this.#player.halted) return this.#say(this.#silence(now)); // nothing is missing but a tap
    const { sentence, remedies } = judge({
      now,
      pictureAt,
      soundAt: this.#soundAt,
      lostAt: this.#lostAt,
      expected: this.#expected,
      stalled: this.#stalled,
      blind: this.#ladder.shut,
      first: this.#ladder.lastFrameAt === 0,
      lineUp: this.#viewer.connected,
      lineAt: Math.max(this.#lineAt, pictureAt),
      mendAt: this.#mendAt,
    });
    if (this.#expected && now - pictureAt >= STILL_MS) void this.#count(now);
    if (remedies.length === 0) {
      this.#views = 0;
      this.#mendAt = null;
    }
    for (const remedy of remedies) this.#try(remedy, now);
    if (this.flows) this.#player.forgetStill();
    else if (this.#expected) this.#player.keepStill();
    this.#say(sentence ?? this.#silence(now));
  }

  /** Frames come but the system keeps the sound back: only a tap brings it. @param {number} now */
  #silence(now) {
    const comes = this.flows || this.#player.halted;
    if (!this.#expected || this.#player.audible || !comes) this.#silentSince = now;
    return now - this.#silentSince > DOUBT_MS * 1.5 ? "sound_waits" : null;
  }

  /** @param {Remedy} remedy @param {number} now */
  #try(remedy, now) {
    const pause = REMEDY_PAUSE[remedy] * (remedy === "view" ? 2 ** Math.min(this.#views, 2) : 1);
    if (now - this.#tried[remedy] < pause) return;
    this.#tried[remedy] = now;
    if (remedy === "probe") void this.#connection.probe(DOUBT_MS);
    if (remedy === "keyframe") this.#viewer.keyframe().catch(() => this.#again());
    if (remedy === "restart") {
      this.#mendAt ??= now;
      if (this.#ladder.hasLine) this.#viewer.mend().catch(() => {});
    }
    if (remedy === "view") {
      this.#views += 1;
      this.#again();
    }
  }

  #again() {
    if (this.#ladder.hasLine) this.#viewer.view().catch(() => {});
  }

  /** @param {number} now */
  async #count(now) {
    if (this.#counting) return;
    this.#counting = true;
    const { packets, bytes } = await this.#viewer.counts().finally(() => {
      this.#counting = false;
    });
    if (packets > this.#packets) this.#soundAt = now;
    if (bytes > this.#bytes) this.#lineAt = now;
    this.#packets = packets;
    this.#bytes = bytes;
  }

  /** @param {Sentence|null} sentence */
  #say(sentence) {
    const now = performance.now();
    if (sentence === null) {
      const mended = this.#said === "lost_connection" || this.#said === "still_lost";
      if (mended) this.#backUntil = now + BACK_MS;
      this.#tell(now < this.#backUntil ? "back" : null);
    } else {
      this.#backUntil = 0;
      this.#tell(sentence);
    }
  }

  /** @param {Sentence|"back"|null} sentence */
  #tell(sentence) {
    if (sentence === this.#said) return;
    this.#said = sentence;
    this.root.hidden = sentence === null;
    this.root.dataset.sentence = sentence ?? "";
    this.#action.hidden = sentence !== "sound_waits";
    if (sentence === null) return;
    // The first sentence is what happened; the rest is what to do.
    const nodes = phoned(sentence);
    const [, what = "", rest = ""] = /^(.*?[.?])\s*(.*)$/s.exec(String(nodes[0])) ?? [];
    this.#heading.textContent = what;
    this.#line.replaceChildren(rest, ...nodes.slice(1));
    this.#line.hidden = !rest && nodes.length === 1;
    if (sentence === "sound_waits") this.#action.textContent = text("sound_on");
  }
}
