/**
 * While one waits at the door: a few bars of music to hear whether the sound works, asked in words.
 *
 * @module soundtest
 */

import { Component } from "./component.js";
import { gainOf } from "./player.js";
import { phoned, text } from "./texts.js";

/** @typedef {import("./player.js").Player} Player */

const BEAT_S = 0.32;
const LOUD = 0.22;
/** A slow waltz: hertz and beats. @type {[number, number][]} */
const TUNE = [
  [392, 1], [494, 1], [587, 1], [784, 2], [740, 1], [659, 1], [587, 1], [494, 1], [587, 3],
  [440, 1], [523, 1], [659, 1], [587, 2], [494, 1], [440, 1], [494, 1], [370, 1], [392, 3],
];

export class SoundTest extends Component {
  #player;
  #play = this.need("[data-play]", HTMLButtonElement);
  #question = this.need("[data-question]", HTMLElement);
  #answer = this.need("[data-answer]", HTMLElement);
  /** @type {GainNode|null} */
  #playing = null;

  /**
   * @param {HTMLElement} root
   * @param {{player: Player}} options
   */
  constructor(root, { player }) {
    super(root);
    this.#player = player;
    this.listen(this.#play, "click", () => this.#start());
    this.listen(this.need("[data-yes]", HTMLElement), "click", () => this.#answered(true));
    this.listen(this.need("[data-no]", HTMLElement), "click", () => this.#answered(false));
    this.whenStopped(() => this.#silence());
  }

  #start() {
    this.#player.unlock();
    this.#silence();
    const { context, sound } = this.#player;
    if (!context) return;
    const loud = new GainNode(context, { gain: LOUD * gainOf(sound.volume) });
    loud.connect(context.destination);
    this.#playing = loud;
    let at = context.currentTime + 0.1;
    for (const [hertz, beats] of TUNE) {
      note(loud, hertz, at, beats * BEAT_S);
      at += beats * BEAT_S;
    }
    this.#answer.hidden = true;
    this.#question.hidden = false;
  }

  /** @param {boolean} heard */
  #answered(heard) {
    this.#silence();
    this.#question.hidden = true;
    this.#answer.replaceChildren(...(heard ? [text("hear_well")] : phoned("hear_help")));
    this.#answer.hidden = false;
    this.#play.focus();
  }

  #silence() {
    this.#playing?.disconnect();
    this.#playing = null;
  }
}

/**
 * One plucked note.
 *
 * @param {GainNode} out
 * @param {number} frequency
 * @param {number} at
 * @param {number} seconds
 */
function note(out, frequency, at, seconds) {
  const { context } = out;
  const string = new OscillatorNode(context, { type: "triangle", frequency });
  const bow = new GainNode(context, { gain: 0 });
  bow.gain.setValueAtTime(0, at);
  bow.gain.linearRampToValueAtTime(1, at + 0.02);
  bow.gain.exponentialRampToValueAtTime(0.01, at + seconds + 0.15);
  string.connect(bow).connect(out);
  string.start(at);
  string.stop(at + seconds + 0.2);
}
