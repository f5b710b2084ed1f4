/**
 * What the stage shows: curtain shut with words (doors, interval, end), or the picture. The curtain
 * moves only when a phase changes before one's eyes; who steps in during the show finds it open.
 *
 * @module stage
 */

import { Component } from "./component.js";
import { plural, text } from "./texts.js";

/** @typedef {import("./wire.js").Phase} Phase */
/** @typedef {import("./wire.js").StageMessage["state"]} StageState */
/** @typedef {"foyer"|"soon"|"play"|"interval"|"ended"|"cancelled"} Scene */

/**
 * Which scene a phase and the state of the feed on air make.
 *
 * @param {Phase} phase
 * @param {StageState} stage
 * @returns {Scene}
 */
export function sceneOf(phase, stage) {
  if (phase === "live") return stage === "empty" ? "soon" : "play";
  if (phase === "interval") return "interval";
  if (phase === "ended" || phase === "archived") return "ended";
  if (phase === "cancelled") return "cancelled";
  return "foyer";
}

export class Stage extends Component {
  #lamp = this.need(".words .lamp", HTMLElement);
  #heading = this.need(".words h2", HTMLElement);
  #line = this.need(".words p", HTMLElement);
  #status = this.need(".words", HTMLElement);
  #starts;
  /** @type {Scene|null} */
  #scene = null;
  /** Has this page seen the show? An empty stage is then no beginning. */
  #begun = false;
  #heads = 0;

  /**
   * @param {HTMLElement} root
   * @param {{starts: () => string}} words when the show starts, as a sentence
   */
  constructor(root, { starts }) {
    super(root);
    this.#starts = starts;
  }

  get scene() {
    return this.#scene;
  }

  /** @param {Scene} scene */
  show(scene) {
    if (scene === this.#scene) return;
    this.root.dataset.scene = scene;
    // Who comes in during the play sees no curtain move; the attribute turns the motion on.
    if (this.#scene !== null) this.root.dataset.moving = "";
    this.#scene = scene;
    this.#begun ||= scene === "play" || scene === "interval";
    this.#tell();
  }

  /** @param {number} heads in the hall */
  count(heads) {
    this.#heads = heads;
    this.#tell();
  }

  #tell() {
    const [lamp, heading, line] = this.#words();
    put(this.#lamp, lamp);
    put(this.#heading, heading);
    put(this.#line, line);
    this.#status.hidden = this.#scene === "play" || this.#scene === null;
  }

  /** @returns {[string, string, string]} lamp, heading, line */
  #words() {
    const company = this.#heads > 1 ? plural("foyer_heads", this.#heads) : "";
    switch (this.#scene) {
      case "foyer":
        return [text("doors_open"), this.#starts(), company];
      case "soon":
        return ["", text(this.#begun ? "interval_soon" : "begins_soon"), text("sit_well")];
      case "interval":
        return [text("interval_now"), text("interval_soon"), [text("interval_coffee"), company].join(" ")];
      case "ended":
        return ["", text("thanks"), ""];
      case "cancelled":
        return ["", text("err_cancelled"), ""];
      default:
        return ["", "", ""];
    }
  }
}

/** @param {HTMLElement} element @param {string} words */
function put(element, words) {
  if (element.textContent !== words) element.textContent = words;
  element.hidden = words === "";
}
