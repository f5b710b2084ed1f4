/**
 * Lengths of time as a clock shows them: 1.01.11 in Finnish and Swedish, 1:01:11 in English.
 *
 * @module clocktime
 */

/** Hours, minutes and seconds as the page's language writes them. @param {number} seconds */
export function clockTime(seconds, lang = "fi") {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(whole / 60) % 60, whole % 60];
  const hours = Math.floor(whole / 3600);
  const [minutes, rest] = parts.map((part, i) =>
    i || hours ? String(part).padStart(2, "0") : String(part),
  );
  const sign = lang === "en" ? ":" : ".";
  return `${hours ? `${hours}${sign}` : ""}${minutes}${sign}${rest}`;
}
