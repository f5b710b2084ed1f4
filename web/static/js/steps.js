// The show's next steps as the host's buttons. Pure; a test holds them to the server's table.

/** @typedef {import("./wire.js").Phase} Phase */
/**
 * @typedef {Object} Steps
 * @property {Phase|null} main - the natural next one
 * @property {Phase[]} others
 */

/** @type {Record<Phase, Phase[]>} - the natural one first; the archive follows the end by itself */
export const STEPS = {
  draft: ["scheduled", "cancelled"],
  scheduled: ["rehearsal", "doors", "cancelled"],
  rehearsal: ["doors", "cancelled"],
  doors: ["live", "cancelled"],
  live: ["interval", "ended", "cancelled"],
  interval: ["live", "ended", "cancelled"],
  ended: [],
  archived: [],
  cancelled: [],
};

/** Steps that nobody can take back: asked once more. */
export const FINAL = new Set(["ended", "cancelled"]);

/**
 * @param {Phase} phase
 * @param {{intervalAhead: boolean}} show - is an interval still to come?
 * @returns {Steps}
 */
export function stepsOf(phase, { intervalAhead }) {
  const [main = null, ...others] = STEPS[phase];
  // Once it is on, a show is ended, not cancelled: what was seen is recorded.
  const offered = phase === "live" || phase === "interval" ? others.filter((to) => to !== "cancelled") : others;
  if (phase !== "live" || intervalAhead) return { main, others: offered };
  return { main: "ended", others: ["interval"] };
}
