/**
 * Receiving: the server offers, this page answers. One peer connection at a time; a new session takes
 * the old one's place. Watches frames, not only the state of ICE.
 *
 * @module media
 */

import { Line } from "./line.js";
import { Lips } from "./lips.js";

/** @typedef {import("./connection.js").Connection} Connection */
/** @typedef {{session: string, etag: string, sdp: string}} Offer */
/** @typedef {"new"|"connecting"|"connected"|"failed"|"ended"} ViewerState */

export class Viewer {
  #connection;
  #video;
  #onState;
  #onStream;
  #onFrame;
  #soundLag;
  #create;
  #line;
  /** @type {RTCPeerConnection|null} */
  #peer = null;
  /** @type {RTCPeerConnection|null} */
  #ready = null;
  #session = "";
  /** @type {Promise<void>} */
  #work = Promise.resolve();
  /** @type {Promise<void>|null} */
  #asking = null;
  /** @type {Lips|null} */
  #lips = null;
  #closed = false;

  /** When the last frame was drawn, on `performance.now()`'s clock; 0 before the first. */
  lastFrameAt = 0;

  /**
   * @param {Object} options
   * @param {Pick<Connection, "send">} options.connection
   * @param {HTMLVideoElement} options.video shows the picture; its sound stays muted if `onStream` plays it
   * @param {(state: ViewerState) => void} [options.onState]
   * @param {(stream: MediaStream) => void} [options.onStream] a new stream is on the video
   * @param {() => number} [options.soundLag] ms that the sound takes from its receiver to the ear; the
   *   picture waits for it
   * @param {() => void} [options.onFrame] the first frame of a session has been drawn
   * @param {(configuration: RTCConfiguration) => RTCPeerConnection} [options.create] for tests
   */
  constructor({
    connection,
    video,
    onState = () => {},
    onStream = () => {},
    onFrame = () => {},
    soundLag = () => 0,
    create = (configuration) => new RTCPeerConnection(configuration),
  }) {
    this.#connection = connection;
    this.#video = video;
    this.#onState = onState;
    this.#onStream = onStream;
    this.#onFrame = onFrame;
    this.#soundLag = soundLag;
    this.#create = create;
    this.#line = new Line({
      count: async () => (await this.counts()).bytes,
      restart: () => this.#restart(),
      anew: () => this.view(),
    });
    this.#followFrames();
  }

  /** The session that the picture comes from, "" without one. */
  get session() {
    return this.#session;
  }

  /** True while ICE and DTLS stand. */
  get connected() {
    return this.#peer?.connectionState === "connected";
  }

  /** Makes a peer connection ahead of time, so that the tap need not wait for it. */
  prepare() {
    this.#ready ??= this.#newPeer();
  }

  /** Asks the server for an offer and answers it; while that is under way, the same promise. */
  view() {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  /**
   * Answers an offer: of a new session, or a renegotiation of the present one.
   *
   * @param {Offer} offer
   */
  take(offer) {
    this.#work = this.#work.catch(() => {}).then(() => this.#answer(offer));
    return this.#work;
  }

  /** The picture stands: asks for a keyframe. */
  keyframe() {
    if (!this.#session) return Promise.resolve();
    return this.#connection.send({ type: "media.keyframe", session: this.#session }).then(() => {});
  }

  /**
   * Nothing comes: new ICE names for the same session, and a new session where that does not help.
   */
  mend() {
    return this.#peer ? this.#line.mend() : this.view();
  }

  /**
   * How much has come so far: decoded frames, packets of sound, and bytes of any kind.
   *
   * @returns {Promise<{frames: number, packets: number, bytes: number}>}
   */
  async counts() {
    const counts = { frames: 0, packets: 0, bytes: 0 };
    const report = await this.#peer?.getStats();
    report?.forEach((entry) => {
      if (entry.type === "transport") counts.bytes += entry.bytesReceived ?? 0;
      if (entry.type !== "inbound-rtp") return;
      if (entry.kind === "video") counts.frames += entry.framesDecoded ?? 0;
      if (entry.kind === "audio") counts.packets += entry.packetsReceived ?? 0;
    });
    return counts;
  }

  /** The server ended this session. @param {string} session */
  ended(session) {
    if (session !== this.#session) return;
    this.#drop();
    this.#onState("ended");
  }

  /** Ends receiving; `view` starts anew. */
  stop() {
    this.#drop();
    this.#ready?.close();
    this.#ready = null;
  }

  /** Ends receiving for good; idempotent. */
  close() {
    this.#closed = true;
    this.stop();
    this.#line.close();
    this.#video.srcObject = null;
  }

  async #ask() {
    const reply = await this.#connection.send({ type: "media.view" });
    if (reply.type === "media.offer") await this.take(reply);
  }

  async #restart() {
    const session = this.#session;
    if (!session) return;
    const reply = await this.#connection.send({ type: "media.restart", session });
    if (reply.type === "media.offer" && session === this.#session) await this.take(reply);
  }

  /** @param {Offer} offer */
  async #answer({ session, etag, sdp }) {
    if (this.#closed) return;
    const peer = session === this.#session && this.#peer ? this.#peer : this.#replace(session);
    await peer.setRemoteDescription({ type: "offer", sdp });
    const answer = await peer.createAnswer();
    const own = dressAnswer(answer.sdp ?? "");
    await peer.setLocalDescription({ type: "answer", sdp: own });
    await this.#connection.send({ type: "media.answer", session, etag, sdp: own });
  }

  /** @param {string} session */
  #replace(session) {
    this.#drop();
    const peer = this.#ready ?? this.#newPeer();
    this.#ready = null;
    this.#peer = peer;
    this.#session = session;
    this.#line.follow(peer);
    const stream = new MediaStream();
    peer.ontrack = ({ track, transceiver }) => {
      if (stream.getTracks().some((known) => known.kind === track.kind)) return;
      stream.addTrack(track);
      const all = peer.getTransceivers().filter(({ mid }) => mid !== null);
      if (transceiver === all[all.length - 1] || stream.getTracks().length === 2) this.#play(stream);
    };
    peer.onconnectionstatechange = () => this.#tell(peer);
    this.#onState("connecting");
    return peer;
  }

  /** @param {MediaStream} stream */
  #play(stream) {
    this.#video.srcObject = stream;
    this.#video.play().catch(() => {});
    this.#onStream(stream);
  }

  /** @param {RTCPeerConnection} peer */
  #tell(peer) {
    if (peer !== this.#peer) return;
    this.#line.changed();
    if (peer.connectionState === "connected") this.#onState("connected");
    if (peer.connectionState === "failed") this.#onState("failed");
  }

  #newPeer() {
    return this.#create({ bundlePolicy: "max-bundle", rtcpMuxPolicy: "require" });
  }

  #drop() {
    this.#lips?.stop();
    this.#lips = null;
    const peer = this.#peer;
    this.#peer = null;
    this.#session = "";
    this.#line.follow(null);
    if (!peer) return;
    peer.ontrack = peer.onconnectionstatechange = null;
    peer.close();
  }

  #followFrames() {
    const video = this.#video;
    let of = "";
    const drawn = () => {
      this.lastFrameAt = performance.now();
      if (of !== this.#session && this.#session) {
        of = this.#session;
        this.#lips?.stop();
        this.#lips = this.#peer && new Lips(this.#peer, this.#soundLag);
        this.#onFrame();
      }
    };
    if ("requestVideoFrameCallback" in video) {
      const again = () => {
        drawn();
        if (!this.#closed) video.requestVideoFrameCallback(again);
      };
      video.requestVideoFrameCallback(again);
    } else {
      // Older browsers: the element's clock runs only while frames are drawn.
      /** @type {HTMLVideoElement} */ (video).addEventListener("timeupdate", drawn);
    }
  }
}

/**
 * Wakes up what a browser loads for its first peer connection (codecs, certificate), without asking
 * or sending anything.
 */
export async function warmUp() {
  const peer = new RTCPeerConnection();
  peer.addTransceiver("audio", { direction: "recvonly" });
  peer.addTransceiver("video", { direction: "recvonly" });
  await peer.createOffer();
  peer.close();
}

/**
 * Our own answer with stereo sound, and lost sound asked for again. Browsers play Opus in mono unless
 * their own description says stereo (RFC 7587 §6.1).
 *
 * @param {string} sdp
 */
export function dressAnswer(sdp) {
  const opus = new Set(Array.from(sdp.matchAll(/^a=rtpmap:(\d+) opus\//gim), (match) => match[1] ?? ""));
  const formats = new Set(Array.from(sdp.matchAll(/^a=fmtp:(\d+) /gm), (match) => match[1] ?? ""));
  const asked = new Set(Array.from(sdp.matchAll(/^a=rtcp-fb:(\d+) nack\s*$/gm), (match) => match[1] ?? ""));
  return sdp
    .split("\r\n")
    .flatMap((line) => {
      const [, kind, type = "", rest = ""] = /^a=(rtpmap|fmtp):(\d+) (.*)$/.exec(line) ?? [];
      if (!kind || !opus.has(type)) return [line];
      if (kind === "fmtp") return [`a=fmtp:${type} ${withStereo(rest)}`];
      const lines = [line];
      if (!asked.has(type)) lines.push(`a=rtcp-fb:${type} nack`);
      if (!formats.has(type)) lines.push(`a=fmtp:${type} ${withStereo("")}`);
      return lines;
    })
    .join("\r\n");
}

/** @param {string} parameters of an Opus fmtp line */
function withStereo(parameters) {
  const kept = parameters.split(";").filter((part) => part && !/^\s*(sprop-)?stereo=/.test(part));
  return [...kept, "stereo=1", "sprop-stereo=1"].join(";");
}
