/**
 * What the server put into the page: its data and its words. Words come by key, in the page's
 * language; a missing one is told to the console (and so fails a test) and shows as nothing.
 *
 * @module texts
 */

/**
 * @typedef {Object} PageData
 * @property {string} seat
 * @property {import("./wire.js").Role} role
 * @property {ShowData} show
 * @property {{enter: string, ws: string, show: string, recording: string|null, look?: string|null}} urls
 * @property {boolean} entered
 * @property {string} phone
 * @property {string} lang
 * @property {Record<string, string|{one: string, other: string}>} texts
 * @property {number} now_ms
 * @property {string|null} name
 * @property {string|null} [guest_name]
 * @property {string|null} [look] - how an artist's recording stands, in words
 */
/**
 * @typedef {Object} ShowData
 * @property {string} id
 * @property {string} title
 * @property {string[]|string} artists
 * @property {number} starts_at_ms
 * @property {string} starts_line - when it starts, or that it has begun, as a sentence
 * @property {number|null} doors_at_ms
 * @property {import("./wire.js").Phase} phase
 * @property {string} art_form
 * @property {boolean} has_interval
 * @property {string} organisation_name
 * @property {string} city_in
 */

/** @type {PageData|undefined} */
let data;

/** The page's data, read once. */
export function pageData() {
  if (!data) {
    const holder = document.getElementById("page-data");
    if (!holder) throw new Error("the page has no data");
    data = /** @type {PageData} */ (JSON.parse(holder.textContent ?? ""));
  }
  return data;
}

/**
 * A text by its key. `{phone}` is always known.
 *
 * @param {string} key
 * @param {Record<string, string|number>} [fields]
 */
export function text(key, fields = {}) {
  const found = pageData().texts[key];
  if (typeof found === "string") return fill(found, fields);
  console.error(`no text for ${key}`);
  return "";
}

/**
 * A text that counts: `{n}` is the number.
 *
 * @param {string} key
 * @param {number} n
 * @param {Record<string, string|number>} [fields]
 */
export function plural(key, n, fields = {}) {
  const found = pageData().texts[key];
  if (found && typeof found === "object") {
    return fill(n === 1 ? found.one : found.other, { n, ...fields });
  }
  console.error(`no plural text for ${key}`);
  return "";
}

/** Is there a text under this key? */
export function hasText(/** @type {string} */ key) {
  return key in pageData().texts;
}

/**
 * A text whose phone number can be pressed, as nodes to append.
 *
 * @param {string} key
 * @param {Record<string, string|number>} [fields]
 * @returns {(Node|string)[]}
 */
export function phoned(key, fields = {}) {
  const mark = "\u0000";
  const [before = "", ...after] = text(key, { ...fields, phone: mark }).split(mark);
  return [before, ...after.flatMap((rest) => [phoneLink(), rest])];
}

function phoneLink() {
  const { phone } = pageData();
  const link = document.createElement("a");
  link.href = `tel:${phone.replace(/[^+\d]/g, "")}`;
  link.className = "number";
  link.textContent = unbroken(phone);
  return link;
}

/**
 * @param {string} pattern
 * @param {Record<string, string|number>} fields
 */
function fill(pattern, fields) {
  const known = { phone: unbroken(pageData().phone), ...fields };
  return pattern.replace(/\{(\w+)\}/g, (whole, name) =>
    name in known ? String(/** @type {Record<string, string|number>} */ (known)[name]) : whole,
  );
}

/** A phone number that does not break over lines. @param {string} phone */
function unbroken(phone) {
  return phone.replaceAll(" ", "\u00a0");
}
