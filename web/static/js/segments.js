/**
 * Plays one muxed playlist of CMAF segments through MediaSource or ManagedMediaSource: fetches what the
 * player is about to need, lets go of what lies behind, seeks anywhere. Where there is neither, the
 * browser's own HLS is tried last. Whether a browser says it could play HLS is never asked.
 *
 * @module segments
 */

const AHEAD_S = 30;
const PAUSED_AHEAD_S = 4;
const BEHIND_S = 20;
const TRIES = 4;
const FIRST_PAUSE_MS = 500;
const PICTURE_TRACK = 1;
const EDGE_S = 0.06;

/**
 * @typedef {Object} Segment
 * @property {string} url
 * @property {string} init address of its init segment
 * @property {number} start on the whole recording's timeline, in seconds
 * @property {number} duration in seconds
 * @property {number} period counts the breaks of the timeline before it
 */

/** Something that another try may mend. */
export class Trouble extends Error {}

/**
 * The segments of a media playlist (RFC 8216).
 *
 * @param {string} text
 * @param {string} base the playlist's own address
 * @returns {Segment[]}
 */
export function parsePlaylist(text, base) {
  /** @type {Segment[]} */
  const segments = [];
  let init = "";
  let duration = 0;
  let start = 0;
  let period = 0;
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith("#EXT-X-MAP:")) init = /URI="([^"]*)"/.exec(line)?.[1] ?? "";
    else if (line === "#EXT-X-DISCONTINUITY") period += 1;
    else if (line.startsWith("#EXTINF:")) duration = Number.parseFloat(line.slice(8)) || 0;
    else if (line && !line.startsWith("#")) {
      const url = new URL(line, base).href;
      segments.push({ url, init: new URL(init, base).href, start, duration, period });
      start += duration;
    }
  }
  return segments;
}

/**
 * When the first picture of a segment stands on its own timeline, in seconds (`tfdt` of the first
 * fragment with pictures; version 1, 90 kHz, as the house writes it).
 *
 * @param {ArrayBuffer} data
 */
export function firstPicture(data) {
  const view = new DataView(data);
  for (const moof of boxes(view, 0, view.byteLength, "moof")) {
    for (const traf of boxes(view, moof.at, moof.end, "traf")) {
      const [head] = boxes(view, traf.at, traf.end, "tfhd");
      const [time] = boxes(view, traf.at, traf.end, "tfdt");
      if (head && time && view.getUint32(head.at + 4) === PICTURE_TRACK) {
        return Number(view.getBigUint64(time.at + 4)) / 90_000;
      }
    }
  }
  throw new Trouble("a segment without a picture");
}

/**
 * @param {DataView} view
 * @param {number} at
 * @param {number} end
 * @param {string} kind
 */
function* boxes(view, at, end, kind) {
  while (at + 8 <= end) {
    const size = view.getUint32(at);
    if (size < 8 || at + size > end) return;
    const name = String.fromCharCode(...[4, 5, 6, 7].map((i) => view.getUint8(at + i)));
    if (name === kind) yield { at: at + 8, end: at + size };
    at += size;
  }
}

/** Is this moment within these ranges? @param {TimeRanges} ranges @param {number} time */
export function covers(ranges, time) {
  for (let i = 0; i < ranges.length; i += 1) {
    if (time >= ranges.start(i) - EDGE_S && time < ranges.end(i)) return true;
  }
  return false;
}

/** @returns {(typeof MediaSource)|null} */
function sourceClass() {
  const { ManagedMediaSource: managed } = /** @type {any} */ (globalThis);
  return managed ?? globalThis.MediaSource ?? null;
}

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
    const source = new kind();
    if (kind !== globalThis.MediaSource) {
      // Apple's one opens only where the picture cannot be sent to a television.
      this.video.disableRemotePlayback = true;
      source.addEventListener("startstreaming", () => this.#want(true));
      source.addEventListener("endstreaming", () => this.#want(false));
    }
    const url = URL.createObjectURL(source);
    const opened = new Promise((resolve) => {
      source.addEventListener("sourceopen", resolve, { once: true });
    });
    this.video.src = url;
    await opened;
    URL.revokeObjectURL(url);
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
    await this.#letGo(BEHIND_S);
  }

  /** @param {ArrayBuffer} data */
  async #append(data) {
    const buffer = /** @type {SourceBuffer} */ (this.#buffer);
    for (let tries = 0; ; tries += 1) {
      try {
        buffer.appendBuffer(data);
        await done(buffer);
        return;
      } catch (error) {
        const full = error instanceof DOMException && error.name === "QuotaExceededError";
        if (!full || tries >= 2) throw error;
        await this.#letGo(2);
      }
    }
  }

  /** Takes out what was played more than `keep` seconds ago. @param {number} keep */
  async #letGo(keep) {
    const buffer = /** @type {SourceBuffer} */ (this.#buffer);
    const until = this.video.currentTime - keep;
    if (buffer.buffered.length && buffer.buffered.start(0) < until - 5) {
      buffer.remove(0, until);
      await done(buffer);
    }
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

/** The end of what a source buffer is doing. @param {SourceBuffer} buffer @returns {Promise<void>} */
function done(buffer) {
  return new Promise((resolve, reject) => {
    const listening = new AbortController();
    const { signal } = listening;
    /** @type {(act: () => void) => () => void} */
    const once = (act) => () => {
      listening.abort();
      act();
    };
    buffer.addEventListener("updateend", once(resolve), { signal });
    buffer.addEventListener("error", once(() => reject(new Trouble("not appended"))), { signal });
  });
}
