// Applause one can feel: in the rows of heads those who clap light up.

import { Component, need } from "./component.js";
import { text } from "./texts.js";

/** @typedef {import("./staffroom.js").StaffRoom} StaffRoom */

/** A message comes at most once a second; without one the hands rest. */
const RESTS_AFTER_MS = 1800;

export class Audience extends Component {
  /**
   * @param {HTMLElement} root
   * @param {StaffRoom} room
   */
  constructor(root, room) {
    super(root);
    this.told = need(document, "#claps", HTMLElement);
    this.heads = Array.from(root.querySelectorAll(".head"));
    this.present = 0;
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    this.rest = undefined;
    this.whenStopped(
      room.subscribe((message) => {
        if (message?.type === "presence") this.#sit(message.heads);
        if (message?.type === "applause" && message.claps > 0) this.#clap(message.seats);
      }),
    );
    this.#sit(0);
  }

  /** As many figures as there are people; the other chairs stay dim. @param {number} heads */
  #sit(heads) {
    this.present = heads;
    const share = Math.min(1, heads / this.heads.length) * 100;
    for (const head of this.heads) head.classList.toggle("away", claps(head) >= share && heads < this.heads.length);
  }

  /** @param {number} seats - from how many it came */
  #clap(seats) {
    const people = this.heads.filter((head) => !head.classList.contains("away"));
    const share = Math.min(1, seats / Math.max(1, this.present));
    const many = Math.max(1, Math.round(people.length * share));
    const shuffled = people.map((head) => ({ head, at: Math.random() })).sort((a, b) => a.at - b.at);
    shuffled.forEach(({ head }, index) => head.classList.toggle("lit", index < many));
    if (!this.told.textContent) this.told.textContent = text("staff_applause");
    clearTimeout(this.rest);
    this.rest = setTimeout(() => this.#quiet(), RESTS_AFTER_MS);
  }

  #quiet() {
    for (const head of this.heads) head.classList.remove("lit");
    this.told.textContent = "";
  }
}

/** @param {Element} head */
function claps(head) {
  return Number(head instanceof SVGElement ? head.dataset.claps : 0);
}
