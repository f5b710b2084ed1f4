/**
 * By which way the show comes: the media's own (WebRTC), or live segments where that way is shut, the
 * browser has none, or it does not decode the picture. Watches frames, never the state of a connection.
 * `choose` decides, and knows no DOM.
 *
 * @module ladder
 */

/** @typedef {import("./connection.js").Connection} Connection */
/** @typedef {import("./media.js").Viewer} Viewer */
/** @typedef {import("./player.js").Player} Player */
/** @typedef {import("./live.js").LivePlayer} LivePlayer */
/** @typedef {"none"|"start"|"stop"} Step */

const FIRST_MS = 3000;
const LOST_MS = 3000;
// Where the first way was shut a moment ago, it is hardly open now.
const KNOWN_MS = 500;
const STEADY_MS = 1200;
const FRESH_MS = 600;
const LOOK_MS = 200;
const ASLEEP_MS = 1500;
const AGAIN_MS = 1500;
const LONGEST_PAUSE_MS = 8000;
const CLIMB_MS = 10000;
const LONGEST_CLIMB_MS = 60000;
const STORE = "lampio.way";

/**
 * @typedef {Object} Ways times in ms on one clock
 * @property {number} now
 * @property {boolean} expected a picture should be moving
 * @property {boolean} stalled the server says that the artist's feed does not come in
 * @property {boolean} shut this browser cannot have the picture by WebRTC
 * @property {boolean} known WebRTC did not get through the last time
 * @property {boolean} running the segments are on their way
 * @property {number} since since when a picture is expected
 * @property {number} frameAt WebRTC's last frame, 0 before the first
 * @property {number} steadyAt since when its frames come one after another, Infinity while they do not
 */

/** What to do about the segments now. @param {Ways} ways @returns {Step} */
export function choose({ now, expected, stalled, shut, known, running, since, frameAt, steadyAt }) {
  if (running) return !expected || now - steadyAt >= STEADY_MS ? "stop" : "none";
  if (!expected || stalled) return "none";
  const waited = now - Math.max(since, frameAt);
  const patience = frameAt > since ? LOST_MS : shut ? 0 : known ? KNOWN_MS : FIRST_MS;
  return waited >= patience ? "start" : "none";
}

/** Has this browser the media's own way at all? */
export function hasPeers() {
  return typeof globalThis.RTCPeerConnection === "function";
}

/** Whether it says that it decodes this picture there. @param {string} mimeType */
export function decodes(mimeType) {
  if (!hasPeers()) return false;
  const known = globalThis.RTCRtpReceiver?.getCapabilities?.("video")?.codecs ?? [];
  return known.length === 0 || known.some((codec) => codec.mimeType === mimeType);
}

export class Ladder {
  #send;
  #viewer;
  #player;
  #shut = !decodes("video/H264");
  #known = remembered();
  #expected = false;
  #stalled = false;
  #since = 0;
  #lookedAt = 0;
  #steadyAt = Infinity;
  /** Counts starts: an answer that comes after the end of its own start is nobody's. */
  #run = 0;
  #running = false;
  /** @type {LivePlayer|null} */
  #live = null;
  #failures = 0;
  #climbAt = 0;
  #climbs = 0;
  #timer;

  /**
   * @param {Object} options
   * @param {Connection["send"]} options.send
   * @param {Viewer|null} options.viewer null where the browser has no peer connections
   * @param {Player} options.player
   */
  constructor({ send, viewer, player }) {
    this.#send = send;
    this.#viewer = viewer;
    this.#player = player;
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  /** When a picture was last seen to move, by whichever way; 0 before the first. */
  get lastFrameAt() {
    return Math.max(this.#viewer?.lastFrameAt ?? 0, this.#live?.lastFrameAt ?? 0);
  }

  /** Whether the show comes by segments now. */
  get bySegments() {
    return (this.#live?.lastFrameAt ?? 0) > 0;
  }

  /** Whether this browser cannot have the picture by the media's own way. */
  get shut() {
    return this.#shut;
  }

  /** Whether this browser has the media's own way at all. */
  get hasLine() {
    return this.#viewer !== null;
  }

  /** Whether that way is still worth an offer. */
  get wantsLine() {
    return this.hasLine && !(this.#shut && this.bySegments);
  }

  /** Within the tap. */
  tap() {
    this.#since = performance.now();
    this.#live?.press();
  }

  /**
   * @param {boolean} expected a picture should be moving
   * @param {boolean} stalled the artist's feed does not come in
   */
  expect(expected, stalled) {
    const begins = (expected && !this.#expected) || (this.#stalled && !stalled);
    // The first wait counts from the tap: who taps does not know of the socket.
    const now = performance.now();
    if (begins && now - this.#since > FIRST_MS) this.#since = now;
    this.#expected = expected;
    this.#stalled = stalled;
    if (!expected) this.drop(); // a page that nobody sees, too, shows no more than it may
    else this.#look();
  }

  /** Ends the segments at once; the next look decides anew. */
  drop() {
    this.#run += 1;
    this.#running = false;
    this.#live?.close();
    this.#live = null;
    this.#player.byLine();
  }

  /** Ends everything; idempotent. */
  stop() {
    clearInterval(this.#timer);
    this.drop();
  }

  #look() {
    if (document.hidden) return;
    const now = performance.now();
    // Put away or asleep meanwhile: nothing was to be seen, so nothing was missed.
    if (now - this.#lookedAt > ASLEEP_MS) this.#since = now;
    this.#lookedAt = now;
    const frameAt = this.#viewer?.lastFrameAt ?? 0;
    if (now - frameAt > FRESH_MS) this.#steadyAt = Infinity;
    else if (this.#steadyAt === Infinity) this.#steadyAt = now;
    const step = choose({
      now,
      expected: this.#expected,
      stalled: this.#stalled,
      shut: this.#shut,
      known: this.#known,
      running: this.#running,
      since: this.#since,
      frameAt,
      steadyAt: this.#steadyAt,
    });
    if (step === "start") this.#start();
    if (step === "stop") this.drop();
    if (this.#known && now - this.#steadyAt >= STEADY_MS) remember((this.#known = false));
    if (this.bySegments && !this.#shut && now >= this.#climbAt) this.#climb(now);
  }

  #start() {
    this.#run += 1;
    this.#running = true;
    this.#failures = 0;
    void this.#open(this.#run);
  }

  /** Asks for an address and follows it, until it works or is not wanted any more. @param {number} run */
  async #open(run) {
    while (run === this.#run) {
      try {
        const [{ LivePlayer: Live }, reply] = await Promise.all([
          import("./live.js"),
          this.#send({ type: "media.segments" }),
        ]);
        if (run !== this.#run || reply.type !== "media.segments") return;
        this.#live ??= new Live({
          video: this.#player.spare,
          onGone: () => this.#gone(),
          onPlaying: () => this.#plays(),
          onBlocked: () => this.#player.held(),
        });
        this.#live.open(reply.url);
        return;
      } catch {
        // Refused (the phase has just ended), or the socket is away: it says so itself when it matters.
      }
      const pause = Math.min(LONGEST_PAUSE_MS, AGAIN_MS * 2 ** this.#failures);
      this.#failures += 1;
      await new Promise((resolve) => setTimeout(resolve, pause * (0.6 + 0.4 * Math.random())));
    }
  }

  #gone() {
    this.#run += 1;
    const next = this.#run;
    setTimeout(() => void this.#open(next), AGAIN_MS * (0.6 + 0.4 * Math.random()));
  }

  #plays() {
    this.#player.bySegments();
    this.#climbs = 0;
    this.#climbAt = performance.now() + CLIMB_MS;
    if (!this.#shut) {
      remember((this.#known = true));
      return;
    }
    // Nothing but sound came that way; it comes with the picture now.
    const session = this.#viewer?.session;
    this.#viewer?.stop();
    if (session) this.#send({ type: "media.stop", session }).catch(() => {});
  }

  /** Tries the better way again, ever more seldom. @param {number} now */
  #climb(now) {
    this.#climbs += 1;
    this.#climbAt = now + Math.min(LONGEST_CLIMB_MS, CLIMB_MS * 2 ** this.#climbs);
    if (this.#viewer && !this.#viewer.connected) this.#viewer.view().catch(() => {});
  }
}

function remembered() {
  try {
    return sessionStorage.getItem(STORE) === "segments";
  } catch {
    return false;
  }
}

/** @param {boolean} segments */
function remember(segments) {
  try {
    if (segments) sessionStorage.setItem(STORE, "segments");
    else sessionStorage.removeItem(STORE);
  } catch {
    // A browser that keeps nothing waits its three seconds.
  }
}
