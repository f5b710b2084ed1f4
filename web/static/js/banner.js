// The step on, the banner, and the two presses that end it.

import { STAGE_OPEN } from "./air.js";
import { Component } from "./component.js";
import { sentence } from "./talk.js";
import { plural, text } from "./texts.js";

/** @typedef {import("./air.js").Air} Air */
/** @typedef {import("./air.js").Place} Place */
/** @typedef {import("./studio.js").Studio} Studio */

/** A button whose meaning changed stays deaf for a moment: nobody goes live by a press meant for less. */
const INERT_MS = 700;
const SURE_FOR_MS = 10_000;
const HEALED_FOR_MS = 6000;

/** @type {Partial<Record<Place, {act: string, kind: "go"|"take"|"back"}>>} */
const ACTS = {
  other: { act: "desk_take_air", kind: "take" },
  elsewhere: { act: "desk_take_here", kind: "go" },
  refused: { act: "desk_back_to_check", kind: "back" },
};

/** The one velvet step on the check page. */
export class Going extends Component {
  /**
   * @param {HTMLElement} root
   * @param {Air} air
   * @param {Studio} studio
   */
  constructor(root, air, studio) {
    super(root);
    this.air = air;
    this.studio = studio;
    this.words = this.need("[data-part=words]", HTMLElement);
    this.button = this.need("[data-part=go]", HTMLButtonElement);
    this.meaning = "";
    this.changed = -INERT_MS;
    this.listen(this.button, "click", () => {
      if (performance.now() - this.changed > INERT_MS) air.go();
    });
    this.listen(air, "change", () => this.#draw());
    this.listen(studio, "change", () => this.#draw());
    this.#draw();
  }

  #draw() {
    const phase = this.air.room.state?.phase ?? this.air.room.page.show.phase;
    const meaning = phase !== "live" ? "edge" : this.air.resumes ? "resume" : "live";
    if (meaning !== this.meaning) {
      if (this.meaning) this.changed = performance.now();
      this.meaning = meaning;
      this.button.textContent = text(`desk_${meaning}`);
    }
    const open = STAGE_OPEN.has(phase);
    this.button.disabled = !open || !this.studio.stream || this.studio.busy || !this.air.room.state;
    const words = !this.studio.stream ? "first_open" : open ? `${meaning}_words` : "wait_words";
    this.words.textContent = text(`desk_${words}`);
  }
}

/** Where she stands, large; brass only while the hall sees her. */
export class Banner extends Component {
  /**
   * @param {HTMLElement} root
   * @param {Air} air
   */
  constructor(root, air) {
    super(root);
    this.air = air;
    this.heading = this.need("[data-part=heading]", HTMLElement);
    this.words = this.need("[data-part=words]", HTMLElement);
    this.act = this.need("[data-part=act]", HTMLButtonElement);
    this.heads = this.need("[data-part=heads]", HTMLElement);
    this.headsWords = this.need("[data-part=heads_words]", HTMLElement);
    /** @type {Place} */
    this.was = "check";
    this.healedAt = -HEALED_FOR_MS;
    this.#count(0);
    this.every(1000, () => this.#draw());
    this.listen(this.act, "click", () => this.#press());
    this.listen(air, "change", () => this.#draw());
    this.whenStopped(
      air.room.subscribe((message) => {
        if (message?.type === "presence") this.#count(message.heads);
      }),
    );
  }

  /** @param {number} heads */
  #count(heads) {
    this.heads.textContent = String(heads);
    this.headsWords.textContent = plural("staff_heads", heads);
  }

  #draw() {
    const place = this.air.place;
    if (this.was === "healing" && place === "on_air") this.healedAt = performance.now();
    this.was = place;
    if (place === "check" || place === "over") return;
    this.root.dataset.lit = place === "on_air" ? "yes" : "no";
    this.root.dataset.place = place;
    put(this.heading, text(`desk_${place}`));
    put(this.words, this.#sentence(place));
    const act = ACTS[place];
    this.act.hidden = !act;
    if (act) put(this.act, text(act.act));
  }

  /** @param {Place} place */
  #sentence(place) {
    const room = this.air.room;
    if (place === "on_air") {
      const healed = performance.now() - this.healedAt < HEALED_FOR_MS;
      return healed ? text("desk_healed") : room.page.show.title;
    }
    if (place === "at_edge") return text("desk_edge_words");
    if (place === "connecting") return text("desk_line_trying");
    if (place === "refused") {
      return this.air.refusal ? sentence(this.air.refusal) : text("staff_out");
    }
    return text(`desk_${place}_words`);
  }

  #press() {
    const kind = ACTS[this.air.place]?.kind;
    if (kind === "take") this.air.takeAir();
    else if (kind === "go") this.air.go();
    else if (kind === "back") this.air.leave();
  }
}

/** The end: asked once more, and the second press is not under the finger of the first. */
export class Ending extends Component {
  /**
   * @param {HTMLElement} root
   * @param {Air} air
   */
  constructor(root, air) {
    super(root);
    this.air = air;
    this.stopper = this.need("[data-part=stop]", HTMLButtonElement);
    this.sure = this.need("[data-part=sure]", HTMLElement);
    this.words = this.need("[data-part=sure_words]", HTMLElement);
    this.asked = 0;
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    this.timer = undefined;
    const yes = this.need("[data-part=yes]", HTMLButtonElement);
    const no = this.need("[data-part=no]", HTMLButtonElement);
    this.listen(this.stopper, "click", () => this.#ask(yes));
    this.listen(no, "click", () => this.#settle());
    this.listen(yes, "click", () => {
      if (performance.now() - this.asked < INERT_MS) return;
      this.#settle();
      air.leave();
    });
    this.listen(air, "change", () => this.#draw());
  }

  /** @param {HTMLButtonElement} yes */
  #ask(yes) {
    this.asked = performance.now();
    this.stopper.hidden = true;
    this.sure.hidden = false;
    this.words.textContent = text("desk_stop_sure");
    yes.focus();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#settle(), SURE_FOR_MS);
  }

  #settle() {
    clearTimeout(this.timer);
    const hadFocus = this.sure.contains(document.activeElement);
    this.stopper.hidden = false;
    this.sure.hidden = true;
    this.words.textContent = "";
    if (hadFocus) this.stopper.focus();
  }

  #draw() {
    const phase = this.air.room.state?.phase;
    put(this.stopper, text(phase === "live" || phase === "interval" ? "desk_stop" : "desk_leave_edge"));
  }
}

/**
 * Text that is set only when it changes: a screen reader is told once.
 * @param {HTMLElement} element
 * @param {string} words
 */
function put(element, words) {
  if (element.textContent !== words) element.textContent = words;
}
