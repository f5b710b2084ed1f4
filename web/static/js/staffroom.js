// A desk's life: the door and its one button, the socket, the room's state, and the way out.
// What stands on the desk subscribes; one that fails does not break the others.

import { Component, need } from "./component.js";
import { Connection } from "./connection.js";
import { enter } from "./entering.js";
import { reduce } from "./room.js";
import { pageData, text } from "./texts.js";

/** @typedef {import("./wire.js").ServerMessage} ServerMessage */
/** @typedef {import("./wire.js").Snapshot} Snapshot */
/**
 * Hears every message, after the state has taken it; null: the socket was lost or came back.
 * @typedef {(message: ServerMessage|null) => void} Listener
 */

const TELL_LOSS_AFTER_MS = 1000;
const TELL_RETURN_FOR_MS = 4000;

/** Show what belongs to this scene, hide the rest; the stage is dark as the hall. @param {HTMLElement} root @param {string} scene */
export function setScene(root, scene) {
  root.dataset.scene = scene;
  document.body.classList.toggle("hall", scene === "stage");
  document.body.classList.toggle("foyer", scene !== "stage");
  for (const part of document.querySelectorAll("[data-scenes]")) {
    if (!(part instanceof HTMLElement)) continue;
    part.hidden = !(part.dataset.scenes ?? "").split(" ").includes(scene);
  }
}

export class StaffRoom extends Component {
  /**
   * @param {HTMLElement} root
   * @param {Object} options
   * @param {() => void} options.onInside - the seat is taken; called once, within the press if there was one
   */
  constructor(root, { onInside }) {
    super(root);
    this.page = pageData();
    this.onInside = onInside;
    this.inside = false;
    /** the page's own connection is gone, and that has been told: what it knew may be true no more */
    this.lost = false;
    /** @type {Snapshot|null} */
    this.state = null;
    /** the server's clock minus ours, ms */
    this.ahead = this.page.now_ms - Date.now();
    /** @type {Set<Listener>} */
    this.listeners = new Set();
    /** @type {Connection|null} */
    this.connection = null;
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    this.telling = undefined;
    this.told = need(document, "#connection", HTMLElement);
    this.door = need(document, "#door", HTMLElement);
    this.listen(this.#doorPart("enter"), "click", () => void this.#enter(false));
    this.listen(this.#doorPart("here"), "click", () => void this.#enter(true));
    this.listen(this.#doorPart("there"), "click", () => this.#ask("staff_stay_there"));
  }

  /** A reload by one who sits here already goes straight in. */
  start() {
    if (this.page.entered) this.#goIn();
  }

  /** @param {Listener} listener @returns {() => void} unsubscribe */
  subscribe(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Is the socket there? */
  get open() {
    return this.connection?.open ?? false;
  }

  /** @param {import("./connection.js").Unsent} command */
  send(command) {
    return this.connection?.send(command) ?? Promise.reject(new Error("not inside"));
  }

  /** The server's time, ms. */
  now() {
    return Date.now() + this.ahead;
  }

  /** @param {boolean} move */
  async #enter(move) {
    const buttons = this.door.querySelectorAll("button");
    for (const button of buttons) button.disabled = true;
    const entry = await enter(this.page.urls.enter, { move });
    for (const button of buttons) button.disabled = false;
    if (entry.ok) this.#goIn();
    else if (entry.code === "seat_elsewhere") this.#question();
    else if (entry.code === "offline") this.#ask("staff_offline");
    else this.#doorPart("told").textContent = entry.text || text("err_ours");
  }

  #question() {
    this.#doorPart("ask").hidden = true;
    this.#doorPart("elsewhere").hidden = false;
    this.#doorPart("told").textContent = "";
    this.#doorPart("here").focus();
  }

  /** @param {string} key - what is told above the button */
  #ask(key) {
    this.#doorPart("ask").hidden = false;
    this.#doorPart("elsewhere").hidden = true;
    this.#doorPart("told").textContent = text(key);
  }

  #goIn() {
    this.connection?.close();
    this.connection = new Connection({
      url: this.page.urls.ws,
      onMessage: (message) => this.#receive(message),
      onState: (state) => this.#changed(state),
    });
    this.connection.start();
    this.inside = true;
    this.onInside();
  }

  /** @param {ServerMessage} message */
  #receive(message) {
    if (message.type === "snapshot") {
      this.state = message.state;
      this.ahead = message.now - Date.now();
    }
    if (message.type === "event" && this.state) this.state = reduce(this.state, message.event);
    if (message.type === "bye" && message.back_ms === null) this.#out(message.reason);
    this.#tell(message);
  }

  /** @param {"open"|"lost"} state */
  #changed(state) {
    clearTimeout(this.telling);
    if (state === "open") this.lost = false;
    if (state === "lost") {
      this.telling = setTimeout(() => {
        this.lost = true;
        this.#say("staff_lost");
        this.#tell(null);
      }, TELL_LOSS_AFTER_MS);
    } else if (this.told.textContent) {
      this.#say("staff_back");
      this.telling = setTimeout(() => this.#say(null), TELL_RETURN_FOR_MS);
    }
    this.#tell(null);
  }

  /** @param {string|null} key */
  #say(key) {
    this.told.textContent = key ? text(key) : "";
  }

  /** @param {import("./wire.js").Bye["reason"]} reason */
  #out(reason) {
    this.inside = false;
    clearTimeout(this.telling);
    this.#say(null);
    if (reason === "moved") {
      setScene(this.root, "door");
      this.#ask("staff_moved");
    } else {
      setScene(this.root, "over");
      const key = reason === "ended" ? "staff_over" : "staff_out";
      need(document, "#over [data-part=words]", HTMLElement).textContent = text(key);
    }
  }

  /** @param {ServerMessage|null} message */
  #tell(message) {
    for (const listener of this.listeners) {
      try {
        listener(message);
      } catch (error) {
        console.error(error);
      }
    }
  }

  /** @param {string} name */
  #doorPart(name) {
    return need(this.door, `[data-part=${name}]`, HTMLElement);
  }
}
