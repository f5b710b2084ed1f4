/**
 * Reads what the house writes: media playlists (RFC 8216) and CMAF segments of one muxed stream. No DOM.
 *
 * @module cmaf
 */

const PICTURE_TRACK = 1;
const SOUND_CODEC = "mp4a.40.2";

/**
 * @typedef {Object} Segment
 * @property {string} url
 * @property {string} init address of its init segment
 * @property {number} number in the whole of a sliding list
 * @property {number} start on the timeline of the list as it stands, in seconds
 * @property {number} duration in seconds
 * @property {number} period counts the breaks of the timeline before it
 */

/** Something that another try may mend. */
export class Trouble extends Error {}

/**
 * The segments of a media playlist.
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
  let number = 0;
  let period = 0;
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith("#EXT-X-MAP:")) init = /URI="([^"]*)"/.exec(line)?.[1] ?? "";
    else if (line === "#EXT-X-DISCONTINUITY") period += 1;
    else if (line.startsWith("#EXT-X-MEDIA-SEQUENCE:")) number = Number.parseInt(line.slice(22), 10) || 0;
    else if (line.startsWith("#EXT-X-DISCONTINUITY-SEQUENCE:")) period = Number.parseInt(line.slice(30), 10) || 0;
    else if (line.startsWith("#EXTINF:")) duration = Number.parseFloat(line.slice(8)) || 0;
    else if (line && !line.startsWith("#")) {
      const url = new URL(line, base).href;
      segments.push({ url, init: new URL(init, base).href, number, start, duration, period });
      start += duration;
      number += 1;
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
 * The media type of an init segment (RFC 6381): profile and level as its `avcC` says them.
 *
 * @param {ArrayBuffer} init
 */
export function typeOf(init) {
  const bytes = new Uint8Array(init);
  // The sample entry lies six boxes deep and is ours: its name is found as it stands.
  for (let at = 0; at + 8 <= bytes.length; at += 1) {
    if (bytes[at] !== 0x61 || bytes[at + 1] !== 0x76 || bytes[at + 2] !== 0x63 || bytes[at + 3] !== 0x43) continue;
    const profile = Array.from(bytes.subarray(at + 5, at + 8), (byte) => byte.toString(16).padStart(2, "0"));
    return `video/mp4; codecs="avc1.${profile.join("")},${SOUND_CODEC}"`;
  }
  throw new Trouble("an init segment without a picture");
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
