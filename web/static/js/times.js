// Clock times and days as people of the house say them, in the house's time zone.

import { pageData } from "./texts.js";

const ZONE = "Europe/Helsinki";

/**
 * "14.30" in Finnish and Swedish, "2.30 pm" in English.
 * @param {number} ms - UTC
 * @param {string} [lang]
 */
export function clockTime(ms, lang = pageData().lang) {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: ZONE, hour: "2-digit", minute: "2-digit", hourCycle: "h23",
  }).formatToParts(ms);
  const hour = Number(parts.find((part) => part.type === "hour")?.value ?? 0);
  const minute = parts.find((part) => part.type === "minute")?.value ?? "00";
  if (lang !== "en") return minute === "00" ? `${hour}` : `${hour}.${minute}`;
  const half = hour < 12 ? "am" : "pm";
  const twelve = hour % 12 || 12;
  return minute === "00" ? `${twelve}\u00a0${half}` : `${twelve}.${minute}\u00a0${half}`;
}

/**
 * The day in the form that follows "alkaa", "börjar", "starts"; `today` is that day's word.
 * @param {number} ms
 * @param {number} now
 * @param {string} today
 * @param {string} [lang]
 */
export function dayWord(ms, now, today, lang = pageData().lang) {
  const date = (/** @type {number} */ at) => new Intl.DateTimeFormat("sv-SE", { timeZone: ZONE }).format(at);
  if (date(ms) === date(now)) return today;
  const [, month, day] = date(ms).split("-").map(Number);
  const locale = { fi: "fi-FI", sv: "sv-FI" }[lang] ?? "en-GB";
  const weekday = new Intl.DateTimeFormat(locale, { timeZone: ZONE, weekday: "long" }).format(ms);
  if (lang === "fi") return `${weekday}na ${day}.${month}.`;
  if (lang === "sv") return `på ${weekday} ${day}.${month}`;
  const name = new Intl.DateTimeFormat(locale, { timeZone: ZONE, month: "long" }).format(ms);
  return `on ${weekday} ${day} ${name}`;
}
