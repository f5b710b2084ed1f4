/**
 * The sheet behind *Ääni*: louder and quieter in steps of ten, silence, same sound in both ears, the
 * hall's applause, text size. The volume is said in words, not only drawn.
 *
 * @module sound
 */

import { Component, make } from "./component.js";
import { text } from "./texts.js";

/** @typedef {import("./player.js").Player} Player */
/** @typedef {import("./applause.js").Applause} Applause */

const BARS = 10;

export class SoundSheet extends Component {
  #opener;
  #player;
  #applause;
  #onOpen;
  #level = this.need("[data-level]", HTMLElement);
  #bars = this.need("[data-bars]", HTMLElement);
  #quieter = this.need("[data-quieter]", HTMLButtonElement);
  #louder = this.need("[data-louder]", HTMLButtonElement);
  #mute = this.need("[data-mute]", HTMLButtonElement);
  #mono = this.need("[data-mono]", HTMLButtonElement);
  #claps = this.need("[data-claps]", HTMLButtonElement);
  #close = this.need("[data-close]", HTMLButtonElement);
  #heading = this.need("h2", HTMLElement);

  /**
   * @param {HTMLElement} root
   * @param {Object} options
   * @param {HTMLElement} options.opener the control that opens the sheet
   * @param {Player} options.player
   * @param {Applause|null} options.applause
   * @param {(open: boolean) => void} options.onOpen
   */
  constructor(root, { opener, player, applause, onOpen }) {
    super(root);
    this.#opener = opener;
    this.#player = player;
    this.#applause = applause;
    this.#onOpen = onOpen;
    this.#bars.append(...Array.from({ length: BARS }, () => make("span")));
    this.listen(opener, "click", () => this.open(root.hidden !== false));
    this.listen(this.#close, "click", () => this.open(false));
    this.listen(this.#louder, "click", () => this.#change(() => player.change(1)));
    this.listen(this.#quieter, "click", () => this.#change(() => player.change(-1)));
    this.listen(this.#mute, "click", () => this.#change(() => player.mute(!player.sound.muted)));
    this.listen(this.#mono, "click", () => this.#change(() => player.bothEars(!player.sound.mono)));
    this.listen(this.#claps, "click", () =>
      this.#change(() => {
        if (this.#applause) this.#applause.sounds = !this.#applause.sounds;
      }),
    );
    this.listen(root, "keydown", (event) => {
      if (event.key === "Escape") this.open(false);
    });
    this.#claps.hidden = !applause;
    this.#show();
  }

  /** @param {boolean} open */
  open(open) {
    if (open === !this.root.hidden) return;
    this.root.hidden = !open;
    this.#opener.ariaExpanded = String(open);
    this.#onOpen(open);
    if (open) this.#heading.focus();
    else this.#opener.focus();
  }

  /** @param {() => void} change */
  #change(change) {
    this.#player.unlock(); // each press is a tap, and a tap may bring back what the system took
    change();
    this.#show();
  }

  #show() {
    const { volume, muted, mono } = this.#player.sound;
    this.#level.textContent = muted ? text("sound_is_off") : text("volume_is", { percent: volume });
    Array.from(this.#bars.children).forEach((bar, i) => {
      bar.toggleAttribute("data-lit", !muted && i < volume / BARS);
    });
    press(this.#mono, mono);
    press(this.#claps, this.#applause?.sounds ?? false);
    this.#mute.textContent = text(muted ? "sound_on" : "sound_off");
    this.#louder.ariaDisabled = String(volume >= 100 && !muted);
    this.#quieter.ariaDisabled = String(volume <= 10 && !muted);
  }
}

/** @param {HTMLElement} button @param {boolean} pressed */
function press(button, pressed) {
  button.ariaPressed = String(pressed);
}
