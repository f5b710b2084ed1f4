/**
 * MediaSource or Apple's ManagedMediaSource, as promises.
 *
 * @module mse
 */

import { Trouble } from "./cmaf.js";

const EDGE_S = 0.06;
const OPEN_MS = 10_000;

/** @returns {(typeof MediaSource)|null} */
export function sourceClass() {
  const { ManagedMediaSource: managed } = /** @type {any} */ (globalThis);
  return managed ?? globalThis.MediaSource ?? null;
}

/**
 * A source on an element, open; trouble where it does not open in its time.
 *
 * @param {typeof MediaSource} kind
 * @param {HTMLVideoElement} video
 * @param {number} [withinMs]
 */
export async function attach(kind, video, withinMs = OPEN_MS) {
  const source = new kind();
  // Apple's one opens only where the picture cannot be sent to a television.
  if (kind !== globalThis.MediaSource) video.disableRemotePlayback = true;
  const url = URL.createObjectURL(source);
  const opened = opening(source, withinMs);
  video.src = url;
  try {
    await opened;
  } finally {
    URL.revokeObjectURL(url);
  }
  return source;
}

/**
 * The source's opening. On a page that nobody sees browsers put it off: only time that is seen counts.
 *
 * @param {MediaSource} source
 * @param {number} withinMs
 * @returns {Promise<void>}
 */
function opening(source, withinMs) {
  return new Promise((resolve, reject) => {
    const listening = new AbortController();
    const { signal } = listening;
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    let timer;
    const end = () => {
      clearTimeout(timer);
      listening.abort();
    };
    const wait = () => {
      clearTimeout(timer);
      if (document.hidden) return;
      timer = setTimeout(() => {
        end();
        reject(new Trouble("a source that does not open"));
      }, withinMs);
    };
    const open = () => {
      end();
      resolve();
    };
    source.addEventListener("sourceopen", open, { signal });
    document.addEventListener("visibilitychange", wait, { signal });
    wait();
  });
}

/**
 * Hands bytes over; a full buffer is given room by `makeRoom` first.
 *
 * @param {SourceBuffer} buffer
 * @param {ArrayBuffer} data
 * @param {() => Promise<void>} makeRoom
 */
export async function append(buffer, data, makeRoom) {
  for (let tries = 0; ; tries += 1) {
    try {
      buffer.appendBuffer(data);
      await done(buffer);
      return;
    } catch (error) {
      const full = error instanceof DOMException && error.name === "QuotaExceededError";
      if (!full || tries >= 2) throw error;
      await makeRoom();
    }
  }
}

/**
 * Takes out what lies before a moment, if that is worth the work.
 *
 * @param {SourceBuffer} buffer
 * @param {number} until in seconds
 */
export async function letGo(buffer, until) {
  if (buffer.buffered.length && buffer.buffered.start(0) < until - 5) {
    buffer.remove(0, until);
    await done(buffer);
  }
}

/** Is this moment within these ranges? @param {TimeRanges} ranges @param {number} time */
export function covers(ranges, time) {
  for (let i = 0; i < ranges.length; i += 1) {
    if (time >= ranges.start(i) - EDGE_S && time < ranges.end(i)) return true;
  }
  return false;
}

/**
 * Where to go on from a hole, null where there is none or nothing follows. Some browsers find holes where
 * pictures only came seldom.
 *
 * @param {TimeRanges} ranges
 * @param {number} time
 * @returns {number|null}
 */
export function beyondHole(ranges, time) {
  for (let i = 0; i < ranges.length; i += 1) {
    if (time >= ranges.start(i) - 0.01 && time < ranges.end(i) - 0.1) return null;
    if (ranges.start(i) > time) return ranges.start(i) + 0.01;
  }
  return null;
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
