/**
 * The show by segments, live: follows a sliding playlist of the house's own through MediaSource or
 * ManagedMediaSource. Begins a little behind the edge, catches up gently, and goes on by itself after a
 * slow network, a break of the timeline or a server that was away. Where there is neither kind of
 * source, the browser's own HLS is the last resort.
 *
 * @module live
 */

import { Trouble, firstPicture, parsePlaylist, typeOf } from "./cmaf.js";
import { append, attach, beyondHole, covers, letGo, sourceClass } from "./mse.js";

/** @typedef {import("./cmaf.js").Segment} Segment */

const POLL_MS = 400;
// The next segment is hardly there before this part of the last one's length.
const EARLIEST = 0.8;
const AGAIN_MS = 500;
const LONGEST_PAUSE_MS = 4000;
const FETCH_MS = 8000;
const LOOK_MS = 250;
// The picture begins to move, at first and after every stop, once the next segment may come this long
// after the last one did before anything is seen of it; so every stop makes the next one less likely.
const START_S = 2.9;
const ENOUGH_S = 0.5;
// With more ahead than this all the time, the viewer is later than it need be.
const EASY_S = 2.4;
const HURRY = 1.02;
const CALM_MS = 6000;
// Further behind than this is one jump.
const JUMP_S = 12;
const BEHIND_S = 8;

export class LivePlayer {
  #video;
  #onGone;
  #onPlaying;
  #onBlocked;
  #url = "";
  /** Counts addresses: numbers and periods of another one are others. */
  #age = 0;
  #ending = new AbortController();
  /** @type {SourceBuffer|null} */
  #buffer = null;
  /** @type {MediaSource|null} */
  #source = null;
  #type = "";
  #init = "";
  /** The number of the next segment, null where the edge decides. @type {number|null} */
  #next = null;
  /** What has to be added to a period's own times. @type {Map<string, number>} */
  #offsets = new Map();
  #moving = false;
  /** Whether the place to begin at has been chosen. */
  #placed = false;
  #leastAhead = Infinity;
  #leastSince = 0;
  #broughtAt = 0;
  #lastMs = 0;

  /** When a picture was last seen to move, on `performance.now()`'s clock; 0 before the first. */
  lastFrameAt = 0;
  /** How often the picture had to stop and wait since it first moved. */
  stalls = 0;

  /**
   * @param {Object} options
   * @param {HTMLVideoElement} options.video
   * @param {() => void} options.onGone the address gives nothing any more: `open` takes another one
   * @param {() => void} options.onPlaying the picture begins to move
   * @param {() => void} options.onBlocked the browser plays nothing before the next press
   */
  constructor({ video, onGone, onPlaying, onBlocked }) {
    this.#video = video;
    this.#onGone = onGone;
    this.#onPlaying = onPlaying;
    this.#onBlocked = onBlocked;
    const { signal } = this.#ending;
    video.addEventListener("waiting", () => this.#stopped(), { signal });
    video.addEventListener("error", () => this.#anew(), { signal });
    this.#followFrames();
    const timer = setInterval(() => this.#look(), LOOK_MS);
    signal.addEventListener("abort", () => clearInterval(timer));
  }

  /** Follow this playlist from now on. @param {string} url */
  open(url) {
    this.#url = new URL(url, location.href).href;
    this.#age += 1;
    this.#next = null;
    void this.#follow(this.#age);
  }

  /** End; nothing is seen or heard of it any more. Idempotent. */
  close() {
    if (this.#closed) return;
    this.#ending.abort();
    this.#drop();
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  /** Within a press: what the browser held back may play. */
  press() {
    if (this.#moving) void this.#play();
  }

  get #closed() {
    return this.#ending.signal.aborted;
  }

  /** @param {number} age */
  async #follow(age) {
    for (let failures = 0; !this.#closed && age === this.#age; ) {
      let pause = POLL_MS;
      try {
        if (await this.#round(age)) pause = Math.max(POLL_MS, this.#lastMs * EARLIEST);
        failures = 0;
      } catch (error) {
        if (this.#closed || age !== this.#age) return;
        if (error instanceof Gone) return this.#onGone();
        failures += 1;
        pause = Math.min(LONGEST_PAUSE_MS, AGAIN_MS * 2 ** (failures - 1)) * (0.6 + 0.4 * Math.random());
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  /**
   * One look at the playlist, and all of it that is wanted.
   *
   * @param {number} age
   * @returns {Promise<boolean>} whether there was anything new
   */
  async #round(age) {
    const text = new TextDecoder().decode(await this.#load(this.#url));
    const segments = parsePlaylist(text, this.#url);
    if (segments.length === 0) return false;
    const kind = sourceClass();
    if (!kind) {
      this.#native();
      return false;
    }
    const wanted = this.#wanted(segments);
    for (const segment of wanted) {
      if (this.#closed || age !== this.#age) return false;
      await this.#bring(kind, segment, age);
    }
    return wanted.length > 0;
  }

  /** @param {Segment[]} segments */
  #wanted(segments) {
    const first = this.#next;
    let wanted = first === null ? segments.slice(-2) : segments.filter(({ number }) => number >= first);
    const length = wanted.reduce((sum, { duration }) => sum + duration, 0);
    if (first !== null && length > JUMP_S) wanted = wanted.slice(-2);
    return wanted;
  }

  /**
   * @param {typeof MediaSource} kind
   * @param {Segment} segment
   * @param {number} age
   */
  async #bring(kind, segment, age) {
    const data = await this.#load(segment.url);
    const init = segment.init === this.#init ? null : await this.#load(segment.init);
    if (this.#closed || age !== this.#age) return;
    try {
      if (init) await this.#begin(kind, init);
      const buffer = /** @type {SourceBuffer} */ (this.#buffer);
      const makeRoom = () => letGo(buffer, this.#video.currentTime - 1);
      if (init) await append(buffer, init, makeRoom);
      this.#init = segment.init;
      const period = `${this.#age}/${segment.period}`;
      const end = buffer.buffered.length ? buffer.buffered.end(buffer.buffered.length - 1) : this.#video.currentTime;
      let offset = this.#offsets.get(period);
      if (offset === undefined) {
        offset = end - firstPicture(data);
        this.#offsets.set(period, offset);
      }
      buffer.timestampOffset = offset;
      await append(buffer, data, makeRoom);
      this.#next = segment.number + 1;
      this.#broughtAt = performance.now();
      this.#lastMs = segment.duration * 1000;
      await letGo(buffer, this.#video.currentTime - BEHIND_S);
    } catch (error) {
      if (this.#closed) return;
      this.#anew(); // what the browser cannot play is left out; the edge is where it begins again
      throw error;
    }
    this.#look();
  }

  /**
   * A source for pictures of this kind; the one that stands, where it takes them.
   *
   * @param {typeof MediaSource} kind
   * @param {ArrayBuffer} init
   */
  async #begin(kind, init) {
    const type = typeOf(init);
    if (this.#buffer && this.#source?.readyState === "open") {
      if (type !== this.#type) this.#buffer.changeType?.(type);
      this.#type = type;
      return;
    }
    this.#video.pause(); // it moves once enough lies ahead
    const source = await attach(kind, this.#video);
    if (this.#closed) return;
    source.duration = Infinity;
    this.#source = source;
    this.#type = type;
    this.#buffer = source.addSourceBuffer(type);
  }

  /** Everything begins again at the edge. */
  #anew() {
    if (this.#closed) return;
    this.#drop();
  }

  #drop() {
    this.#buffer = this.#source = null;
    this.#init = "";
    this.#next = null;
    this.#offsets.clear();
    this.#moving = this.#placed = false;
  }

  /** The browser's own HLS: it asks the house itself. */
  #native() {
    if (this.#video.src === this.#url && !this.#video.error) return;
    this.#video.src = this.#url;
    this.#moving = true;
    void this.#play();
  }

  /** The picture waits for what has not come. */
  #stopped() {
    if (!this.#buffer || !this.#moving || this.#video.seeking) return;
    // A browser that is only slow to decode goes on by itself.
    if (this.#overHole() || this.#ahead() > ENOUGH_S) return;
    this.#moving = false;
    this.stalls += 1;
    this.#video.pause();
  }

  /** Brings the picture into motion once enough lies ahead, over holes, and gently to the edge. */
  #look() {
    const buffer = this.#buffer;
    if (!buffer || this.#closed || this.#source?.readyState !== "open") return;
    const { buffered } = buffer;
    if (!buffered.length) return;
    const video = this.#video;
    const end = buffered.end(buffered.length - 1);
    if (!this.#moving) {
      const late = this.#ahead() > (this.#placed ? JUMP_S : START_S);
      const start = Math.max(buffered.start(buffered.length - 1), end - START_S);
      const at = late || !covers(buffered, video.currentTime) ? start : video.currentTime;
      if (at !== video.currentTime) video.currentTime = at;
      this.#placed = true;
      const waited = (performance.now() - this.#broughtAt) / 1000;
      if (end - at < ENOUGH_S || end - at + waited < START_S) return;
      this.#moving = true;
      this.#rest();
      void this.#play();
      return;
    }
    if (video.paused) void this.#play();
    this.#overHole();
    const now = performance.now();
    const ahead = this.#ahead();
    this.#leastAhead = Math.min(this.#leastAhead, ahead);
    if (ahead > JUMP_S) {
      video.currentTime = end - START_S;
      this.#rest();
    } else if (now - this.#leastSince > CALM_MS) {
      video.playbackRate = this.#leastAhead > EASY_S ? HURRY : 1;
      this.#rest();
    }
  }

  /** How much lies ahead, in seconds. */
  #ahead() {
    const { buffered } = /** @type {SourceBuffer} */ (this.#buffer);
    return buffered.length ? buffered.end(buffered.length - 1) - this.#video.currentTime : 0;
  }

  #rest() {
    this.#leastAhead = Infinity;
    this.#leastSince = performance.now();
  }

  /** Where nothing is but something follows, on to that. */
  #overHole() {
    const video = this.#video;
    if (video.seeking) return true;
    if (video.readyState > 2) return false;
    const next = beyondHole(/** @type {SourceBuffer} */ (this.#buffer).buffered, video.currentTime);
    if (next !== null) video.currentTime = next;
    return next !== null;
  }

  async #play() {
    try {
      await this.#video.play();
    } catch (error) {
      if (error instanceof DOMException && error.name === "NotAllowedError") this.#onBlocked();
    }
  }

  #followFrames() {
    const video = this.#video;
    const { signal } = this.#ending;
    const drawn = () => {
      if (video.paused) return;
      const first = this.lastFrameAt === 0;
      this.lastFrameAt = performance.now();
      if (first) this.#onPlaying();
    };
    if ("requestVideoFrameCallback" in video) {
      const again = () => {
        if (signal.aborted) return;
        drawn();
        video.requestVideoFrameCallback(again);
      };
      video.requestVideoFrameCallback(again);
    } else {
      /** @type {HTMLVideoElement} */ (video).addEventListener("timeupdate", drawn, { signal });
    }
  }

  /**
   * The bytes under an address. Throws `Gone` where there is nothing any more.
   *
   * @param {string} url
   */
  async #load(url) {
    const fetching = new AbortController();
    const stop = () => fetching.abort();
    const timer = setTimeout(stop, FETCH_MS);
    this.#ending.signal.addEventListener("abort", stop);
    try {
      const answer = await fetch(url, { signal: fetching.signal, cache: "no-store", credentials: "omit" });
      if (answer.status === 404 && url === this.#url) throw new Gone();
      if (!answer.ok) throw new Trouble(`${answer.status}`);
      return await answer.arrayBuffer();
    } finally {
      clearTimeout(timer);
      this.#ending.signal.removeEventListener("abort", stop);
    }
  }
}

/** The address gives nothing any more. */
class Gone extends Error {}
