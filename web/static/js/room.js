/**
 * The room as this page may see it: the same `reduce` as the server's (`rooms/state.py`), tried on
 * the same cases. Pure: no DOM, no clock.
 *
 * @module room
 */

/** @typedef {import("./wire.js").Snapshot} Snapshot */
/** @typedef {import("./wire.js").Event} RoomEvent */
/** @typedef {import("./wire.js").Company} Company */

const LINES_KEPT = 200;

/**
 * The state after an event. The state given is left as it was.
 *
 * @param {Snapshot} state
 * @param {RoomEvent} event
 * @returns {Snapshot}
 */
export function reduce(state, event) {
  switch (event.type) {
    case "phase.changed":
      return { ...state, phase: event.phase, epoch: event.epoch, phase_at: event.at };
    case "air.taken":
      return { ...state, on_air: event.seat };
    case "air.left":
      return state.on_air === event.seat ? { ...state, on_air: null } : state;
    case "named":
      return { ...state, names: { ...state.names, [event.seat]: event.name } };
    case "line.written": {
      const { type: _, ...line } = event;
      return { ...state, lines: [...state.lines, { ...line, hidden: false }].slice(-LINES_KEPT) };
    }
    case "line.hidden":
      return {
        ...state,
        lines: state.lines.map((line) =>
          line.line === event.line ? { ...line, text: "", hidden: true } : line,
        ),
      };
    case "help.asked": {
      const { type: _, ...request } = event;
      return { ...state, help: [...state.help, request] };
    }
    case "help.handled":
      return { ...state, help: state.help.filter((item) => item.request !== event.request) };
    case "seat.removed":
      return { ...state, removed: [...state.removed, event.seat] };
    case "company.asked":
      return { ...state, company: asked(state.company, event) };
    case "company.answered":
      return { ...state, company: stands(state.company, event.companion, event.answer) };
    case "company.ended":
      return { ...state, company: stands(state.company, event.companion, "ended") };
    default:
      return state;
  }
}

/**
 * @param {Company[]} company
 * @param {import("./wire.js").CompanyAsked} event
 * @returns {Company[]}
 */
function asked(company, { companion, guest, name, until }) {
  const before = company.find((item) => item.companion === companion);
  /** @type {Company} */
  const now = { companion, guest, name, state: "asked", until, asks: (before?.asks ?? 0) + 1 };
  if (!before) return [...company, now];
  return company.map((item) => (item === before ? now : item));
}

/**
 * @param {Company[]} company
 * @param {string} companion
 * @param {Company["state"]} state
 * @returns {Company[]}
 */
function stands(company, companion, state) {
  return company.map((item) => (item.companion === companion ? { ...item, state } : item));
}
