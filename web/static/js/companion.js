/**
 * The companion's page: asks the guest, waits for the yes, and then sees the same show under a bar
 * that says so. Until the yes, and after it ends, nothing of the hall is here.
 *
 * @module companion
 */

import { Component, begin, need } from "./component.js";
import { Entrance } from "./entrance.js";
import { Evening } from "./evening.js";
import { sayFarewell } from "./farewell.js";
import { Help } from "./help.js";
import { warmUp } from "./media.js";
import { CompanyBar } from "./presence.js";
import { SoundTest } from "./soundtest.js";
import { pageData, phoned, text } from "./texts.js";

/** @typedef {import("./wire.js").Waiting} Waiting */

const data = pageData();
const name = data.guest_name ?? text("comp_guest");
const theatre = need(document, "#theatre", HTMLElement);

/** What the companion reads while there is no yes. */
class Lobby extends Component {
  #heading = this.need("[data-heading]", HTMLElement);
  #line = this.need("[data-line]", HTMLElement);
  #again = this.need("[data-ask]", HTMLButtonElement);
  #send;
  #left = false;

  /**
   * @param {HTMLElement} root
   * @param {{send: Evening["send"]}} options
   */
  constructor(root, { send }) {
    super(root);
    this.#send = send;
    this.listen(this.#again, "click", () => this.#ask());
  }

  /** The companion leaves of their own will. */
  leaving() {
    this.#left = true;
  }

  /** @param {Waiting} waiting */
  show({ state, asks_left: left }) {
    this.root.hidden = false;
    this.#again.hidden = left === 0 || (state !== "silent" && state !== "ended");
    switch (state) {
      case "invited":
        this.#tell("comp_asking", "");
        return this.#ask();
      case "asked":
        return this.#tell("comp_asked", "comp_sees_nothing");
      case "silent":
        return this.#tell("company_no_answer", left === 0 ? "comp_no_more" : "");
      case "declined":
        return this.#tell("comp_declined", "comp_no_more");
      case "ended":
        return this.#tell(this.#left ? "comp_left" : "comp_ended", "");
    }
  }

  #ask() {
    this.#left = false;
    this.#again.hidden = true;
    this.#tell("comp_asking", "");
    this.#send({ type: "company.ask" }).catch((refusal) => {
      if (refusal.code === "closed") return;
      this.#line.replaceChildren(...phoned("help_phone"));
      this.#line.hidden = false;
      this.#again.hidden = refusal.status === 409;
    });
  }

  /** @param {string} heading @param {string} line */
  #tell(heading, line) {
    this.#heading.textContent = text(heading, { name });
    this.#line.textContent = line ? text(line, { name }) : "";
    this.#line.hidden = !line;
  }
}

const evening = new Evening(data, {
  starts: () => need(document, "[data-starts]", HTMLElement).textContent ?? "",
  writes: false,
  helped: false,
  onState: (state) => {
    const own = state.company.filter((item) => item.companion === data.seat);
    bar?.update(own, () => name);
    if (lobby) lobby.root.hidden = true;
    theatre.hidden = false;
    document.body.classList.replace("foyer", "hall");
  },
  onWaiting: (waiting) => {
    bar?.update([], () => name);
    theatre.hidden = true;
    document.body.classList.replace("hall", "foyer");
    lobby?.show(waiting);
  },
  onBye: leave,
});

const lobby = begin("#lobby", (root) => new Lobby(root, { send: evening.send }));

const bar = begin("#company-bar", (root) =>
  new CompanyBar(root, {
    status: need(document, "#status", HTMLElement),
    send: (command) => {
      if (command.type === "company.end") lobby?.leaving();
      return evening.send(command);
    },
    keys: { who: "comp_with", sees: "company_sees_nothing", end: "comp_leave" },
  }),
);

const entrance = begin("#entrance", (root) =>
  new Entrance(root, {
    data,
    onTap: () => evening.tap(),
    onEnter: (offer) => {
      soundTest?.stop();
      root.hidden = true;
      evening.enter(offer);
      need(document, "#main", HTMLElement).focus({ preventScroll: true });
    },
  }),
);

const soundTest = begin("#sound-test", (root) => new SoundTest(root, { player: evening.player }));

begin("#door-help", (root) =>
  new Help(root, { note: need(document, "#door-help-note", HTMLElement), seat: data.seat, send: null }),
);

void warmUp().then(() => evening.viewer.prepare(), () => {});

/** @param {import("./wire.js").Bye["reason"]} reason */
function leave(reason) {
  evening.leave();
  bar?.stop();
  lobby?.stop();
  entrance?.stop();
  if (lobby) lobby.root.hidden = true;
  sayFarewell(reason);
}
