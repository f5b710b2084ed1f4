// What a publisher says of itself: codecs in our order, and the SDP of its own side.
// Pure: text in, text out. (RFC 9429, RFC 7587, RFC 6184)

/**
 * What is to be sent.
 * @typedef {Object} SoundWish
 * @property {boolean} music - stereo, untouched, without pauses; else one voice, silent when nobody speaks
 */

export const MUSIC_BITS_PER_S = 160_000;
export const SPEECH_BITS_PER_S = 48_000;
export const PICTURE_BITS_PER_S = 2_500_000;
export const PICTURE_FRAMES_PER_S = 30;
export const PICTURE_LINES = 720;

const VIDEO_ORIENTATION = "urn:3gpp:video-orientation";

/**
 * The picture's codecs in our order: H.264 that may be cut into packets (packetization-mode=1), then
 * VP8, then what belongs to either (retransmission). Others are not offered.
 * @template {{mimeType: string, sdpFmtpLine?: string}} C
 * @param {readonly C[]} codecs
 * @returns {C[]}
 */
export function orderCodecs(codecs) {
  const is = (/** @type {C} */ codec, /** @type {string} */ name) =>
    codec.mimeType.toLowerCase() === `video/${name}`;
  const h264 = codecs.filter(
    (codec) => is(codec, "h264") && (codec.sdpFmtpLine ?? "").includes("packetization-mode=1"),
  );
  const vp8 = codecs.filter((codec) => is(codec, "vp8"));
  const rtx = codecs.filter((codec) => is(codec, "rtx"));
  return [...h264, ...vp8, ...rtx];
}

/**
 * Whether this browser can send H.264; without it some in the hall see the picture a little later.
 * @param {readonly {mimeType: string, sdpFmtpLine?: string}[]} codecs
 */
export function sendsH264(codecs) {
  return orderCodecs(codecs)[0]?.mimeType.toLowerCase() === "video/h264";
}

/**
 * Our own description: Opus in stereo (else Chromium plays and sends one channel) with its rate, lost
 * sound asked for again, and no video-orientation, so that the sender itself turns the picture upright.
 * @param {string} sdp
 * @param {SoundWish} wish
 */
export function ownDescription(sdp, wish) {
  const opus = payloadOf(sdp, "opus");
  /** @type {string[]} */
  const lines = [];
  for (const line of sdp.split(/\r\n/)) {
    if (line.startsWith("a=extmap:") && line.includes(VIDEO_ORIENTATION)) continue;
    if (opus && line.startsWith(`a=rtcp-fb:${opus} nack`)) continue;
    if (opus && line.startsWith(`a=fmtp:${opus} `)) continue;
    lines.push(line);
    if (opus && line.startsWith(`a=rtpmap:${opus} `)) {
      lines.push(`a=rtcp-fb:${opus} nack`, `a=fmtp:${opus} ${opusParameters(wish)}`);
    }
  }
  return lines.join("\r\n");
}

/**
 * The server's answer with the rate at which the picture may begin: without it Chromium starts small
 * and grows for twelve seconds.
 * @param {string} sdp
 * @param {number} height - of the picture that is sent
 */
export function withStartRate(sdp, height) {
  if (sdp.includes("x-google-start-bitrate")) return sdp;
  const video = payloadOf(sdp, "H264") ?? payloadOf(sdp, "VP8");
  if (!video) return sdp;
  const start = `x-google-start-bitrate=${height >= 720 ? 2000 : 800}`;
  const fmtp = new RegExp(`^a=fmtp:${video} .*$`, "m");
  if (fmtp.test(sdp)) return sdp.replace(fmtp, (line) => `${line.trimEnd()};${start}`);
  const rtpmap = new RegExp(`^a=rtpmap:${video} .*$`, "m");
  return sdp.replace(rtpmap, (line) => `${line.trimEnd()}\r\na=fmtp:${video} ${start}`);
}

/** @param {SoundWish} wish */
function opusParameters({ music }) {
  return music
    ? `minptime=10;useinbandfec=0;usedtx=0;stereo=1;sprop-stereo=1;maxaveragebitrate=${MUSIC_BITS_PER_S}`
    : `minptime=10;useinbandfec=1;usedtx=1;stereo=0;sprop-stereo=0;maxaveragebitrate=${SPEECH_BITS_PER_S}`;
}

/**
 * @param {string} sdp
 * @param {string} name
 * @returns {string|undefined}
 */
function payloadOf(sdp, name) {
  return new RegExp(`^a=rtpmap:(\\d+) ${name}/`, "im").exec(sdp)?.[1];
}
