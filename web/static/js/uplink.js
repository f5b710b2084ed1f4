// One peer connection of a publisher, from offer to close. Where its way is broken it looks for another;
// one that finds none is thrown away: the newest publisher takes the feed over.

import {
  PICTURE_BITS_PER_S,
  PICTURE_FRAMES_PER_S,
  PICTURE_LINES,
  orderCodecs,
  ownDescription,
  withStartRate,
} from "./sending.js";

/** @typedef {import("./sending.js").SoundWish} SoundWish */

/**
 * What a look at the connection showed.
 * @typedef {Object} Pulse
 * @property {number} back - bytes that came back from the server so far (its feedback never rests)
 * @property {number} frames - pictures sent so far
 * @property {number} fps
 * @property {number} height - of the picture as it is sent, 0 before the first
 * @property {string} limit - what holds the picture down: none, bandwidth, cpu, other
 * @property {number} lost - share of packets that did not arrive lately, 0…1
 */

/**
 * How much a picture is to shrink to keep within 720 lines, whatever the camera insists on.
 * @param {{width?: number, height?: number}} size
 */
export function shrinkOf({ width = 0, height = 0 }) {
  return Math.max(1, Math.min(width, height) / PICTURE_LINES);
}

export class Uplink {
  /**
   * @param {MediaStream} stream
   * @param {SoundWish} wish
   * @param {() => void} onState - the connection's state changed
   */
  constructor(stream, wish, onState) {
    this.wish = wish;
    this.pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    this.pc.onconnectionstatechange = onState;
    /** @type {string|null} */
    this.session = null;
    this.picture = stream.getVideoTracks()[0] ?? null;
    for (const track of stream.getAudioTracks().slice(0, 1)) {
      this.pc.addTransceiver(track, { direction: "sendonly", streams: [stream] });
    }
    if (this.picture) {
      const transceiver = this.pc.addTransceiver(this.picture, {
        direction: "sendonly",
        streams: [stream],
        sendEncodings: [
          {
            maxBitrate: PICTURE_BITS_PER_S,
            maxFramerate: PICTURE_FRAMES_PER_S,
            scaleResolutionDownBy: shrinkOf(this.picture.getSettings()),
          },
        ],
      });
      const codecs = RTCRtpSender.getCapabilities("video")?.codecs ?? [];
      transceiver.setCodecPreferences?.(orderCodecs(codecs));
    }
  }

  /**
   * Offer and take the answer. The server needs none of our candidates: it answers the checks.
   * @param {(sdp: string) => Promise<{session: string, sdp: string}>} exchange
   */
  async open(exchange) {
    const offer = await this.pc.createOffer();
    const sdp = ownDescription(offer.sdp ?? "", this.wish);
    await this.pc.setLocalDescription({ type: "offer", sdp });
    const answer = await exchange(sdp);
    this.session = answer.session;
    await this.#take(answer.sdp);
    await this.#keepSharp();
  }

  /**
   * New ICE names for the same session: the server goes on with the same feed.
   * @param {(session: string, sdp: string) => Promise<{sdp: string}>} exchange
   */
  async restart(exchange) {
    if (!this.session) throw new Error("nothing to restart");
    const offer = await this.pc.createOffer({ iceRestart: true });
    const sdp = ownDescription(offer.sdp ?? "", this.wish);
    await this.pc.setLocalDescription({ type: "offer", sdp });
    await this.#take((await exchange(this.session, sdp)).sdp);
  }

  /** @param {string} answer */
  async #take(answer) {
    const height = this.picture?.getSettings().height ?? 0;
    await this.pc.setRemoteDescription({ type: "answer", sdp: withStartRate(answer, height) });
  }

  /** @returns {"trying"|"up"|"shaky"|"down"} */
  get state() {
    const state = this.pc.connectionState;
    if (state === "connected") return "up";
    if (state === "disconnected") return "shaky";
    return state === "failed" || state === "closed" ? "down" : "trying";
  }

  /**
   * Another camera or microphone in the place of the old, without a new connection.
   * @param {MediaStream} stream
   */
  async replace(stream) {
    for (const sender of this.pc.getSenders()) {
      const track = stream.getTracks().find((one) => one.kind === sender.track?.kind);
      if (track) await sender.replaceTrack(track);
    }
    this.picture = stream.getVideoTracks()[0] ?? null;
  }

  /** @returns {Promise<Pulse>} */
  async pulse() {
    const pulse = { back: 0, frames: 0, fps: 0, height: 0, limit: "none", lost: 0 };
    for (const [, entry] of await this.pc.getStats()) {
      if (entry.type === "transport") pulse.back += entry.bytesReceived ?? 0;
      if (entry.type === "remote-inbound-rtp") pulse.lost = Math.max(pulse.lost, entry.fractionLost ?? 0);
      if (entry.type === "outbound-rtp" && entry.kind === "video") {
        pulse.frames = entry.framesSent ?? 0;
        pulse.fps = entry.framesPerSecond ?? 0;
        pulse.height = entry.frameHeight ?? 0;
        pulse.limit = entry.qualityLimitationReason ?? "none";
      }
    }
    return pulse;
  }

  close() {
    this.pc.onconnectionstatechange = null;
    this.pc.close();
  }

  /**
   * A shrinking picture is worse here than a slower one: faces stay clear on a television, and the
   * recording keeps one size.
   */
  async #keepSharp() {
    const sender = this.pc.getSenders().find((one) => one.track?.kind === "video");
    if (!sender) return;
    try {
      const parameters = sender.getParameters();
      await sender.setParameters({ ...parameters, degradationPreference: "maintain-resolution" });
    } catch {
      // Firefox before 136 does not know the preference: the picture then shrinks when it must.
    }
  }
}
