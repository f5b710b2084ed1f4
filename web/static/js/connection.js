/**
 * The room's socket. Says hello with the last event number seen, waits longer from try to try (with
 * jitter, so that a hall does not come back all at once), keeps writing commands until they are
 * answered and sends them again under the same key. No DOM.
 *
 * @module connection
 */

/** @typedef {import("./wire.js").ClientMessage} ClientMessage */
/** @typedef {import("./wire.js").ServerMessage} ServerMessage */
/**
 * A command as callers write it: the connection adds `id` and, to those that write, `key`.
 * @typedef {ClientMessage extends infer T ? T extends ClientMessage ? Omit<T, "id"|"key"> : never : never} Unsent
 */
/** @typedef {import("./wire.js").Ack|import("./wire.js").MediaOffer|import("./wire.js").MediaAccepted|import("./wire.js").MediaSegmentsAt} Reply */
/**
 * @typedef {Object} Pending
 * @property {Unsent & {id: number, key?: string}} command
 * @property {boolean} sent on the present socket
 * @property {(reply: Reply) => void} resolve
 * @property {(reason: Refusal) => void} reject
 */

/** Commands that write rows (`WritingCommand`); a test holds this list to the models. */
export const WRITING = new Set([
  "name.set", "line.write", "line.hide", "help.ask", "help.handle", "phase.set", "seat.remove",
  "air.take", "air.leave", "company.ask", "company.answer", "company.end",
]);

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8000;
const OPENING_MS = 6000;
const REPLY_MS = 6000;
const SILENCE_MS = 20000;
const NUDGE_MS = 1500;

/** A command that was refused, or (code "lost") whose answer will not come. */
export class Refusal extends Error {
  /**
   * @param {string} code
   * @param {number} status
   * @param {string} text sentence for people, in the page's language
   */
  constructor(code, status, text) {
    super(text || code);
    this.name = "Refusal";
    this.code = code;
    this.status = status;
    this.text = text;
  }
}

/** A key for one intention: 32 hex digits. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Connection {
  #url;
  #onMessage;
  #onState;
  #create;
  /** @type {WebSocket|null} */
  #socket = null;
  /** @type {"new"|"open"|"lost"|"closed"} */
  #state = "new";
  /** @type {number|null} */
  #last = null;
  #nextId = 1;
  #tries = 0;
  /** @type {Map<number, Pending>} */
  #pending = new Map();
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #timer;
  #wake = () => this.nudge();

  /**
   * @param {Object} options
   * @param {string} options.url path or address of the socket
   * @param {(message: ServerMessage) => void} options.onMessage everything but replies to `send`
   * @param {(state: "open"|"lost") => void} options.onState
   * @param {(address: string) => WebSocket} [options.create] for tests
   */
  constructor({ url, onMessage, onState, create = (address) => new WebSocket(address) }) {
    this.#url = url;
    this.#onMessage = onMessage;
    this.#onState = onState;
    this.#create = create;
  }

  get open() {
    return this.#state === "open";
  }

  /** Connects, and goes on connecting until `close()` or a final bye. */
  start() {
    if (this.#state !== "new") return;
    globalThis.addEventListener?.("online", this.#wake);
    this.#connect();
  }

  /**
   * Sends a command, now or as soon as the socket is open. Writing commands outlive a lost
   * connection; others are then refused with code "lost".
   *
   * @param {Unsent} command
   * @returns {Promise<Reply>} rejected with a `Refusal`
   */
  send(command) {
    if (this.#state === "closed") return Promise.reject(new Refusal("closed", 0, ""));
    const id = this.#nextId++;
    const key = WRITING.has(command.type) ? { key: newKey() } : {};
    return new Promise((resolve, reject) => {
      const pending = { command: { ...command, ...key, id }, sent: false, resolve, reject };
      this.#pending.set(id, pending);
      if (this.#socket?.readyState === 1) {
        this.#transmit(pending);
        this.#watch(REPLY_MS);
      }
    });
  }

  /**
   * Is anybody there? A connection that does not answer in time counts as lost.
   *
   * @param {number} within ms
   */
  async probe(within) {
    const socket = this.#socket;
    if (!this.open) return false;
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    let timer;
    const silence = new Promise((resolve) => {
      timer = setTimeout(() => resolve(false), within);
    });
    const answer = this.send({ type: "hello", after: this.#last }).then(
      () => true,
      (refusal) => refusal.code !== "lost",
    );
    const heard = await Promise.race([answer, silence]);
    clearTimeout(timer);
    if (!heard && socket && this.#socket === socket) this.#lose();
    return heard === true;
  }

  /** Back on the page or on the network: looks at once instead of waiting out its pause. */
  nudge() {
    if (this.#state === "lost") this.#retryNow();
    else if (this.#state === "open") void this.probe(NUDGE_MS);
  }

  /** Ends the connection for good; idempotent. */
  close() {
    if (this.#state === "closed") return;
    this.#state = "closed";
    clearTimeout(this.#timer);
    globalThis.removeEventListener?.("online", this.#wake);
    this.#detach();
    for (const pending of this.#pending.values()) pending.reject(new Refusal("closed", 0, ""));
    this.#pending.clear();
  }

  #connect() {
    clearTimeout(this.#timer);
    const socket = this.#create(absolute(this.#url));
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#lose(), OPENING_MS);
    socket.onopen = () => {
      socket.send(JSON.stringify({ type: "hello", id: 0, after: this.#last }));
      for (const pending of this.#pending.values()) this.#transmit(pending);
      this.#watch(REPLY_MS);
    };
    socket.onmessage = (message) => this.#receive(message.data);
    socket.onclose = () => this.#lose();
  }

  /** @param {Pending} pending */
  #transmit(pending) {
    pending.sent = true;
    this.#socket?.send(JSON.stringify(pending.command));
  }

  /**
   * Nothing heard for so long: ask, and when asked already, give the socket up.
   * @param {number} ms
   */
  #watch(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (ms === REPLY_MS) this.#lose();
      else void this.probe(REPLY_MS);
    }, ms);
  }

  /** @param {string} data */
  #receive(data) {
    /** @type {ServerMessage} */
    const message = JSON.parse(data);
    if (this.#state !== "open") {
      this.#tries = 0;
      this.#become("open");
    }
    const known = this.#settle(message);
    const waiting = Array.from(this.#pending.values()).some((pending) => pending.sent);
    this.#watch(waiting ? REPLY_MS : SILENCE_MS);
    if (known) return;
    if (message.type === "snapshot") this.#last = message.seq;
    if (message.type === "waiting") this.#last = null;
    if (message.type === "event") {
      if (this.#last !== null && message.seq <= this.#last) return;
      this.#last = message.seq;
    }
    if (message.type === "bye") this.#leave(message.back_ms);
    this.#tell(() => this.#onMessage(message));
  }

  /**
   * Answers the command that a reply belongs to. True when the message was a reply.
   * @param {ServerMessage} message
   */
  #settle(message) {
    if (!("id" in message) || message.id === null) return false;
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (message.type === "error") {
      pending?.reject(new Refusal(message.code, message.status, message.text));
    } else {
      pending?.resolve(message);
    }
    return true;
  }

  /** @param {number|null} backMs */
  #leave(backMs) {
    if (backMs === null) return this.close();
    this.#detach();
    this.#become("lost");
    this.#forgetSent();
    this.#again(backMs + Math.random() * Math.max(backMs, FIRST_PAUSE_MS));
  }

  #lose() {
    if (this.#state === "closed") return;
    this.#detach();
    this.#become("lost");
    this.#forgetSent();
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#tries);
    this.#tries += 1;
    this.#again(Math.max(FIRST_PAUSE_MS, pause * (0.6 + 0.4 * Math.random())));
  }

  /** @param {number} ms */
  #again(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), ms);
  }

  #retryNow() {
    this.#detach();
    this.#connect();
  }

  /** What was asked on the lost socket has no answer any more, unless it can be sent again. */
  #forgetSent() {
    for (const [id, pending] of this.#pending) {
      if (!pending.sent) continue;
      pending.sent = false;
      if (pending.command.key !== undefined) continue;
      this.#pending.delete(id);
      pending.reject(new Refusal("lost", 0, ""));
    }
  }

  #detach() {
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  /** @param {"open"|"lost"} state */
  #become(state) {
    if (this.#state === state) return;
    this.#state = state;
    this.#tell(() => this.#onState(state));
  }

  /** @param {() => void} call a listener; its failure never breaks the connection */
  #tell(call) {
    try {
      call();
    } catch (error) {
      console.error(error);
    }
  }
}

/** @param {string} url */
function absolute(url) {
  if (/^wss?:/.test(url)) return url;
  const address = new URL(url, globalThis.location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  return address.href;
}
