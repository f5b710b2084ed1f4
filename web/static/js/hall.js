/**
 * The guest's page: door and hall in one document, so that one press leads from the one to the other
 * without a new page. Only wires the parts.
 *
 * @module hall
 */

import { CompanyQuestion } from "./company.js";
import { begin, need } from "./component.js";
import { Entrance } from "./entrance.js";
import { Evening } from "./evening.js";
import { sayFarewell } from "./farewell.js";
import { Help } from "./help.js";
import { warmUp } from "./media.js";
import { CompanyBar } from "./presence.js";
import { SoundTest } from "./soundtest.js";
import { pageData } from "./texts.js";

const data = pageData();
const theatre = need(document, "#theatre", HTMLElement);

const evening = new Evening(data, {
  starts: () => need(document, "[data-starts]", HTMLElement).textContent ?? "",
  writes: true,
  helped: true,
  onState: (state) => {
    question?.update(state.company.filter((item) => item.guest === data.seat));
    bar?.update(state.company.filter((item) => item.guest === data.seat));
  },
  onBye: leave,
});

const bar = begin("#company-bar", (root) =>
  new CompanyBar(root, {
    status: need(document, "#status", HTMLElement),
    send: evening.send,
    keys: { who: "company_is_here", sees: "company_sees_nothing", end: "stop_company" },
  }),
);

const question = begin("#company-question", (root) =>
  new CompanyQuestion(root, {
    send: evening.send,
    now: () => evening.now(),
    onOpen: (open) => {
      theatre.toggleAttribute("data-asked", open);
      theatre.style.setProperty("--asked", open ? `${root.offsetHeight}px` : "0px");
    },
  }),
);

const entrance = begin("#entrance", (root) =>
  new Entrance(root, {
    data,
    onTap: () => evening.tap(),
    onEnter: (offer) => {
      soundTest?.stop();
      theatre.hidden = false;
      evening.enter(offer);
      root.hidden = true;
      document.body.classList.replace("foyer", "hall");
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
  for (const part of [bar, question, entrance]) part?.stop();
  sayFarewell(reason);
}
