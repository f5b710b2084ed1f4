/**
 * Plays one muxed playlist of CMAF segments through MediaSource or ManagedMediaSource: fetches what the
 * player is about to need, lets go of what lies behind, seeks anywhere. Where there is neither, the
 * browser's own HLS is tried last. Whether a browser says it could play HLS is never asked.
 *
 * @module segments
 */

import { Trouble, firstPicture, parsePlaylist } from "./cmaf.js";
import { append, attach, beyondHole, covers, letGo, sourceClass } from "./mse.js";

const AHEAD_S = 30;
const PAUSED_AHEAD_S = 4;
const BEHIND_S = 20;
const TRIES = 4;
const FIRST_PAUSE_MS = 500;
const EDGE_S = 0.06;
const HOLE_S = 0.6;

/** @typedef {import("./cmaf.js").Segment} Segment */

export class SegmentPlayer {
  /** @type {Segment[]} */
  #segments = [];
  /** Which segments were handed to the browser, by number. @type {Set<number>} */
  #given = new Set();
  /** What has to be added to a period's own times. @type {Map<number, number>} */
  #offsets = new Map();
  #ending = new AbortController();
  #init = "";
  #working = false;
  #failed = false;
  /** What is being fetched just now. @type {{number: number, fetching: AbortController}|null} */
  #current = null;
  #wanted = true;
  /** @type {SourceBuffer|null} */
  #buffer = null;
  /** @type {MediaSource|null} */
  #source = null;

  /**
   * @param {Object} options
   * @param {HTMLVideoElement} options.video
   * @param {string} options.playlist address
   * @param {string} options.codecs RFC 6381
   * @param {(error: unknown) => void} options.onTrouble loading has stopped; `retry` goes on
   */
  constructor({ video, playlist, codecs, onTrouble }) {
    this.video = video;
    this.playlist = new URL(playlist, location.href).href;
    this.type = `video/mp4; codecs="${codecs}"`;
    this.onTrouble = onTrouble;
    const { signal } = this.#ending;
    video.addEventListener("seeking", () => this.#turn(), { signal });
    for (const type of ["timeupdate", "seeking", "waiting", "play"]) {
      video.addEventListener(type, () => this.#work(), { signal });
    }
    video.addEventListener("waiting", () => this.#overHole(), { signal });
    video.addEventListener("error", () => this.#fail(new Trouble(video.error?.message)), { signal });
  }

  /** Begin. May be called before a press: nothing plays, the first segments are fetched. */
  async open() {
    const kind = sourceClass();
    if (!kind?.isTypeSupported(this.type)) {
      this.video.src = this.playlist;
      return;
    }
    try {
      const text = new TextDecoder().decode(await this.#load(this.playlist));
      this.#segments = parsePlaylist(text, this.playlist);
      if (this.#segments.length === 0) throw new Trouble("an empty playlist");
      await this.#attach(kind);
      this.#failed = false;
      this.#work();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Go on after trouble, from where it was. */
  async retry() {
    this.#failed = false;
    const at = this.video.currentTime;
    if (this.#source?.readyState === "open" && !this.video.error) {
      this.#work();
      return;
    }
    this.#release();
    await this.open();
    if (at > 0) this.video.currentTime = at;
  }

  /** End; the element keeps its last picture. */
  close() {
    this.#ending.abort();
    this.#current?.fetching.abort();
    this.#release();
  }

  get duration() {
    const last = this.#segments.at(-1);
    return last ? last.start + last.duration : 0;
  }

  /** @param {typeof MediaSource} kind */
  async #attach(kind) {
    const source = await attach(kind, this.video);
    source.addEventListener("startstreaming", () => this.#want(true));
    source.addEventListener("endstreaming", () => this.#want(false));
    source.duration = this.duration;
    this.#source = source;
    this.#buffer = source.addSourceBuffer(this.type);
  }

  /** After a jump, what was on its way for the old place must not keep the new one waiting. */
  #turn() {
    const wanted = this.#at(this.video.currentTime);
    if (this.#current && this.#current.number !== wanted && !this.#given.has(wanted)) {
      this.#current.fetching.abort();
    }
  }

  /** A short hole is stepped over; what was not fetched yet is no hole. */
  #overHole() {
    const { video } = this;
    const next = this.#buffer && !video.seeking ? beyondHole(this.#buffer.buffered, video.currentTime) : null;
    if (next !== null && next - video.currentTime < HOLE_S) video.currentTime = next;
  }

  #release() {
    this.#given.clear();
    this.#offsets.clear();
    this.#init = "";
    this.#buffer = this.#source = null;
    this.#wanted = true;
  }

  /** @param {boolean} wanted */
  #want(wanted) {
    this.#wanted = wanted;
    if (wanted) this.#work();
  }

  /** One worker at a time brings the buffer to what the moment asks for. */
  async #work() {
    if (this.#working || this.#failed || !this.#buffer) return;
    this.#working = true;
    try {
      for (let next = this.#next(); next >= 0; next = this.#next()) await this.#bring(next);
      this.#finishIfWhole();
    } catch (error) {
      if (!this.#ending.signal.aborted) this.#fail(error);
    } finally {
      this.#working = false;
    }
  }

  /** The number of the next segment to fetch, or -1. */
  #next() {
    const buffer = this.#buffer;
    if (!buffer || this.#ending.signal.aborted) return -1;
    this.#forget(buffer.buffered);
    const now = this.video.currentTime;
    const ahead = this.video.paused ? PAUSED_AHEAD_S : AHEAD_S;
    const urgent = now + 5;
    for (let i = this.#at(now); i < this.#segments.length; i += 1) {
      const { start } = /** @type {Segment} */ (this.#segments[i]);
      if (start > now + ahead || (!this.#wanted && start > urgent)) return -1;
      if (!this.#given.has(i)) return i;
    }
    return -1;
  }

  /** What the browser has thrown away has to be fetched again. @param {TimeRanges} buffered */
  #forget(buffered) {
    for (const i of this.#given) {
      const { start, duration } = /** @type {Segment} */ (this.#segments[i]);
      if (!covers(buffered, start + duration / 2)) this.#given.delete(i);
    }
  }

  /** The number of the segment that a moment lies in. @param {number} time */
  #at(time) {
    let low = 0;
    let high = this.#segments.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (/** @type {Segment} */ (this.#segments[middle]).start <= time + EDGE_S) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** @param {number} number */
  async #bring(number) {
    const segment = /** @type {Segment} */ (this.#segments[number]);
    const fetching = new AbortController();
    this.#current = { number, fetching };
    let data;
    let init = null;
    try {
      data = await this.#load(segment.url, fetching.signal);
      if (segment.init !== this.#init) init = await this.#load(segment.init, fetching.signal);
    } catch (error) {
      if (fetching.signal.aborted) return;
      throw error;
    } finally {
      this.#current = null;
    }
    const buffer = this.#buffer;
    if (!buffer) return;
    if (init) {
      await this.#append(init);
      this.#init = segment.init;
    }
    if (!this.#offsets.has(segment.period)) {
      this.#offsets.set(segment.period, segment.start - firstPicture(data));
    }
    buffer.timestampOffset = this.#offsets.get(segment.period) ?? 0;
    await this.#append(data);
    this.#given.add(number);
    if (!covers(buffer.buffered, segment.start + segment.duration / 2)) {
      throw new Trouble("a segment that does not play");
    }
    await letGo(buffer, this.video.currentTime - BEHIND_S);
    if (this.video.readyState <= 2 && !this.video.paused) this.#overHole();
  }

  /** @param {ArrayBuffer} data */
  #append(data) {
    const buffer = /** @type {SourceBuffer} */ (this.#buffer);
    return append(buffer, data, () => letGo(buffer, this.video.currentTime - 2));
  }

  #finishIfWhole() {
    const last = this.#segments.length - 1;
    if (this.#source?.readyState === "open" && this.#given.has(last)) this.#source.endOfStream();
  }

  /**
   * The bytes under an address, after a few tries with growing pauses.
   *
   * @param {string} url
   * @param {AbortSignal} [stop]
   */
  async #load(url, stop = this.#ending.signal) {
    for (let tries = 1; ; tries += 1) {
      try {
        const answer = await fetch(url, { signal: stop });
        if (answer.ok) return await answer.arrayBuffer();
        if (answer.status < 500) throw new Trouble(`${answer.status} for ${url}`);
      } catch (error) {
        if (error instanceof Trouble || stop.aborted) throw error;
      }
      if (tries >= TRIES) throw new Trouble(`no answer for ${url}`);
      await new Promise((resolve) => setTimeout(resolve, FIRST_PAUSE_MS * 2 ** (tries - 1)));
    }
  }

  /** @param {unknown} error */
  #fail(error) {
    if (this.#failed || this.#ending.signal.aborted) return;
    this.#failed = true;
    this.onTrouble(error);
  }
}
