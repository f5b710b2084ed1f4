/**
 * The last page of an evening that ended for this screen: one sentence, and where to go from here.
 *
 * @module farewell
 */

import { need } from "./component.js";
import { phoned } from "./texts.js";

/** @typedef {import("./wire.js").Bye} Bye */

/** @type {Partial<Record<Bye["reason"], string>>} */
const SENTENCES = { removed: "err_removed", revoked: "err_revoked", moved: "moved_away" };

/** Shows why this screen is out. @param {Bye["reason"]} reason */
export function sayFarewell(reason) {
  const out = need(document, "#out", HTMLElement);
  need(out, "[data-words]", HTMLElement).replaceChildren(...phoned(SENTENCES[reason] ?? "thanks"));
  need(out, "[data-back]", HTMLElement).hidden = reason !== "moved";
  for (const part of ["#entrance", "#theatre"]) need(document, part, HTMLElement).hidden = true;
  document.body.classList.replace("hall", "foyer");
  out.hidden = false;
  need(out, "h1", HTMLElement).focus();
}
