// The one press that takes a seat. No DOM.

/**
 * What the door says. `offer`: the first of the media, where the seat may view at once.
 * @typedef {{session: string, etag: string, sdp: string}} Offer
 * @typedef {{ok: true, offer: Offer|null}|{ok: false, code: string, text: string}} Entry
 */

/**
 * Take the seat for this device. `move`: also from another device that sits there now.
 * @param {string} url
 * @param {{move: boolean}} how
 * @returns {Promise<Entry>} never rejects; code "offline" when nobody answered
 */
export async function enter(url, { move }) {
  try {
    const response = await fetch(url, {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify({ move }),
    });
    if (response.ok) {
      const { seat, offer } = await response.json();
      // A group's link was opened by several, and somebody sat down here first: ours is beside it.
      if (seat && !url.startsWith(`/r/${seat}/`)) {
        location.replace(`/r/${seat}`);
        return new Promise(() => {});
      }
      return { ok: true, offer: offer ?? null };
    }
    const problem = await response.json().catch(() => ({}));
    return { ok: false, code: problem.code ?? "refused", text: problem.detail ?? "" };
  } catch {
    return { ok: false, code: "offline", text: "" };
  }
}
