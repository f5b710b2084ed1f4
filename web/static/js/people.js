// Who is here, who has not come yet, who asked for help: rows with their buttons.

import { Component, make } from "./component.js";
import { sentence } from "./talk.js";
import { pageData, plural, text } from "./texts.js";

/** @typedef {import("./staffroom.js").StaffRoom} StaffRoom */
/** @typedef {import("./wire.js").Person} Person */

const INERT_MS = 700;
const MINUTE_MS = 60_000;

/** The people of the room as the server last told them, and how to call those without a name. */
export class People {
  constructor() {
    /** @type {readonly Person[]} */
    this.all = [];
  }

  /** @param {Person} person */
  nameOf(person) {
    if (person.name) return person.name;
    const alike = this.all.filter((one) => one.role === person.role && !one.name);
    return text("host_unnamed", {
      role: text(`staff_role_${person.role}`),
      n: alike.findIndex((one) => one.seat === person.seat) + 1,
    });
  }

  /** @param {string} seat */
  find(seat) {
    return this.all.find((person) => person.seat === seat);
  }
}

/** Worst first: who has waited longest. */
export class HelpList extends Component {
  /**
   * @param {HTMLElement} root
   * @param {StaffRoom} room
   * @param {People} people
   */
  constructor(root, room, people) {
    super(root);
    this.room = room;
    this.people = people;
    this.none = this.need("[data-part=none]", HTMLElement);
    this.list = this.need("[data-part=list]", HTMLElement);
    /** @type {Map<number, {row: HTMLElement, ago: HTMLElement}>} */
    this.rows = new Map();
    this.whenStopped(room.subscribe(() => this.#draw()));
    this.every(MINUTE_MS / 6, () => this.#draw());
  }

  #draw() {
    const help = [...(this.room.state?.help ?? [])].sort((a, b) => a.at - b.at);
    for (const [number, { row }] of this.rows) {
      if (help.some((request) => request.request === number)) continue;
      row.remove();
      this.rows.delete(number);
    }
    help.forEach((request, index) => {
      const known = this.rows.get(request.request) ?? this.#row(request);
      this.rows.set(request.request, known);
      const minutes = Math.floor(Math.max(0, this.room.now() - request.at) / MINUTE_MS);
      known.ago.textContent = minutes ? plural("host_help_ago", minutes) : text("host_help_now");
      if (this.list.children[index] !== known.row) this.list.insertBefore(known.row, this.list.children[index] ?? null);
    });
    const words = help.length > 0 ? plural("host_help_waiting", help.length) : text("host_help_none");
    if (this.none.textContent !== words) this.none.textContent = words;
  }

  /** @param {import("./wire.js").HelpRequest} request */
  #row(request) {
    const person = this.people.find(request.seat);
    const name = request.name || (person ? this.people.nameOf(person) : text("staff_role_guest"));
    const who = make("p", { class: "who", id: `help-${request.request}` }, name);
    const ago = make("p", {});
    const trouble = make("p", { class: "strong", role: "status" });
    const button = make("button", { class: "button", type: "button", "aria-describedby": who.id }, text("host_handled"));
    this.listen(button, "click", async () => {
      button.disabled = true;
      try {
        await this.room.send({ type: "help.handle", request: request.request });
      } catch (error) {
        button.disabled = false;
        trouble.textContent = sentence(error);
      }
    });
    const row = make("li", {}, make("div", { class: "with" }, make("div", {}, who, ago), button), trouble);
    return { row, ago };
  }
}

/** Those with a valid ticket, here or not here; each can be taken out by two presses. */
export class PeopleList extends Component {
  /**
   * @param {HTMLElement} root
   * @param {StaffRoom} room
   * @param {People} people
   * @param {{here: boolean}} which
   */
  constructor(root, room, people, { here }) {
    super(root);
    this.room = room;
    this.people = people;
    this.here = here;
    this.none = this.need("[data-part=none]", HTMLElement);
    this.list = this.need("[data-part=list]", HTMLElement);
    this.told = root.querySelector("[data-part=told]");
    /** @type {Map<string, {row: HTMLElement, drawn: string}>} */
    this.rows = new Map();
    this.whenStopped(room.subscribe(() => this.#draw()));
  }

  #draw() {
    const removed = new Set(this.room.state?.removed ?? []);
    const shown = this.people.all.filter((person) => person.here === this.here && !removed.has(person.seat));
    for (const [seat, { row }] of this.rows) {
      if (shown.some((person) => person.seat === seat)) continue;
      row.remove();
      this.rows.delete(seat);
    }
    // Who comes stands last: no row moves away from under a finger.
    for (const person of shown) {
      const drawn = `${this.people.nameOf(person)}|${this.#note(person)}`;
      const known = this.rows.get(person.seat);
      if (known?.drawn === drawn) continue;
      const row = this.#row(person);
      if (known) known.row.replaceWith(row);
      else this.list.append(row);
      this.rows.set(person.seat, { row, drawn });
    }
    this.none.hidden = shown.length > 0;
  }

  /** What there is to say of this one. @param {Person} person */
  #note(person) {
    const role = text(`staff_role_${person.role}`);
    if (person.seat === pageData().seat) return text("host_you", { role });
    const company = (this.room.state?.company ?? []).find((pair) =>
      person.role === "companion" ? pair.companion === person.seat : pair.guest === person.seat,
    );
    if (company?.state !== "accepted" && company?.state !== "asked") return role;
    const other = person.role === "companion" ? this.people.find(company.guest) : undefined;
    const name = other ? this.people.nameOf(other) : company.name;
    if (person.role === "companion" && !other) return role;
    return `${role}. ${text(company.state === "accepted" ? "host_with" : "host_asking", { name })}`;
  }

  /** @param {Person} person */
  #row(person) {
    const name = this.people.nameOf(person);
    const who = make("p", { class: "who", id: `who-${person.seat}` }, name);
    const about = make("div", {}, who, make("p", { class: "soft" }, this.#note(person)));
    const line = make("div", { class: "with" }, about);
    const row = make("li", { "data-seat": person.seat }, line);
    if (person.role !== "host") {
      const remove = make("button", { class: "button quiet", type: "button", "aria-describedby": who.id }, text(this.here ? "host_remove" : "host_uninvite"));
      this.listen(remove, "click", () => {
        remove.hidden = true;
        row.append(this.#sure(person, name, remove));
      });
      line.append(remove);
    }
    return row;
  }

  /**
   * The second press, with what it means.
   * @param {Person} person
   * @param {string} name
   * @param {HTMLButtonElement} remove
   */
  #sure(person, name, remove) {
    const asked = performance.now();
    const trouble = make("p", { class: "strong", role: "status" });
    const yes = make("button", { class: "button off", type: "button" }, text(this.here ? "host_remove_yes" : "host_uninvite_yes"));
    const no = make("button", { class: "button", type: "button" }, text(this.here ? "host_remove_no" : "host_uninvite_no"));
    const words = make("p", { role: "status" }, text("host_remove_sure", { name }));
    const sure = make("div", { class: "sure" }, words, make("div", { class: "buttons" }, yes, no), trouble);
    this.listen(no, "click", () => {
      sure.remove();
      remove.hidden = false;
      remove.focus();
    });
    this.listen(yes, "click", async () => {
      if (performance.now() - asked < INERT_MS) return;
      yes.disabled = true;
      try {
        await this.room.send({ type: "seat.remove", seat: person.seat });
        if (this.told) this.told.textContent = text(this.here ? "host_removed" : "host_uninvited", { name });
      } catch (error) {
        yes.disabled = false;
        trouble.textContent = sentence(error);
      }
    });
    queueMicrotask(() => yes.focus());
    return sure;
  }
}
