// @ts-check
/**
 * Text size in steps without a new page: the form works by itself, this saves the round trip (in the
 * hall a new page would mean a new connection).
 */

const STEPS = [100, 125, 150, 200];
const YEAR_S = 365 * 24 * 3600;

/** @returns {number} the step now, in per cent */
export function textStep() {
  const step = Number(document.documentElement.dataset.text ?? "100");
  return STEPS.includes(step) ? step : 100;
}

/**
 * Show and remember a step. Pages hear `textsize` on the document.
 * @param {number} step one of 100, 125, 150, 200
 */
export function setTextStep(step) {
  const root = document.documentElement;
  if (step === 100) delete root.dataset.text;
  else root.dataset.text = String(step);
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `text=${step}; Max-Age=${YEAR_S}; Path=/; SameSite=Lax${secure}`;
  for (const form of document.querySelectorAll("form[data-textsize]")) dress(form);
  document.dispatchEvent(new CustomEvent("textsize", { detail: step }));
}

/** One step larger; stays at the largest. */
export function larger() {
  setTextStep(STEPS[Math.min(STEPS.indexOf(textStep()) + 1, STEPS.length - 1)] ?? 100);
}

/** One step smaller; stays at the smallest. */
export function smaller() {
  setTextStep(STEPS[Math.max(STEPS.indexOf(textStep()) - 1, 0)] ?? 100);
}

/** @param {Element} form */
function dress(form) {
  const button = form.querySelector("button");
  const words = button?.querySelector("span");
  if (!button || !words) return;
  const step = textStep();
  const next = STEPS[(STEPS.indexOf(step) + 1) % STEPS.length] ?? 100;
  button.value = String(next);
  words.textContent = (step === 200 ? button.dataset.usual : button.dataset.larger) ?? "";
}

for (const form of document.querySelectorAll("form[data-textsize]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    setTextStep(Number(button?.value ?? "100"));
  });
}
