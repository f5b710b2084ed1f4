// How loud it is, in numbers and in a word. Real: measured from the sound that would be sent.

/** @typedef {"silent"|"quiet"|"good"|"loud"} Verdict */

/**
 * @typedef {Object} Level
 * @property {number} share - of the meter's length, 0…1
 * @property {Verdict} verdict
 * @property {boolean} both - sound comes in both channels
 */

const EVERY_MS = 100;
const FLOOR_DB = -54;
/** A word changes by what was heard within this time, not by each syllable. */
const MEMORY_MS = 3000;

/**
 * The word for a peak held over the last seconds. In dB below full scale: under −60 nothing but the
 * converter's own noise, under −30 a quiet place would sink below a living room, above −2 it clips.
 * @param {number} peakDb
 * @returns {Verdict}
 */
export function judge(peakDb) {
  if (peakDb < -60) return "silent";
  if (peakDb < -30) return "quiet";
  return peakDb > -2 ? "loud" : "good";
}

/**
 * @param {Float32Array} samples
 * @returns {number} the peak in dB, −100 for nothing
 */
export function peakDb(samples) {
  let peak = 0;
  for (const sample of samples) peak = Math.max(peak, Math.abs(sample));
  return peak > 0.00001 ? 20 * Math.log10(peak) : -100;
}

/** Listens to a stream's sound and tells its level ten times a second. */
export class Meter {
  /** @param {(level: Level) => void} onLevel */
  constructor(onLevel) {
    this.onLevel = onLevel;
    /** @type {AudioContext|null} */
    this.context = null;
    /** @type {MediaStreamAudioSourceNode|null} */
    this.source = null;
    /** @type {AnalyserNode[]} */
    this.channels = [];
    /** @type {{at: number, db: number[]}[]} */
    this.heard = [];
    this.timer = 0;
  }

  /**
   * Called within a press, so that the browser lets the sound be read.
   * @param {MediaStream} stream
   */
  listen(stream) {
    this.stop();
    if (stream.getAudioTracks().length === 0) return;
    this.context ??= new AudioContext();
    const context = this.context;
    void context.resume();
    const splitter = context.createChannelSplitter(2);
    this.source = context.createMediaStreamSource(stream);
    this.source.connect(splitter);
    this.channels = [0, 1].map((channel) => {
      const analyser = context.createAnalyser();
      analyser.fftSize = 8192; // 170 ms at 48 kHz: nothing falls between two looks
      splitter.connect(analyser, channel);
      return analyser;
    });
    this.timer = window.setInterval(() => this.#look(), EVERY_MS);
  }

  stop() {
    window.clearInterval(this.timer);
    this.source?.disconnect();
    this.source = null;
    this.channels = [];
    this.heard = [];
  }

  #look() {
    const db = this.channels.map((analyser) => {
      const samples = new Float32Array(analyser.fftSize);
      analyser.getFloatTimeDomainData(samples);
      return peakDb(samples);
    });
    const now = performance.now();
    this.heard = this.heard.filter((one) => now - one.at < MEMORY_MS);
    this.heard.push({ at: now, db });
    const held = [0, 1].map((channel) => Math.max(...this.heard.map((one) => one.db[channel] ?? -100)));
    const loudest = Math.max(...db);
    this.onLevel({
      share: Math.min(1, Math.max(0, 1 - loudest / FLOOR_DB)),
      verdict: judge(Math.max(...held)),
      both: Math.min(...held) > -60,
    });
  }
}
