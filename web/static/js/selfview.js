// Her own picture, the devices behind it, and music or speech. Never mirrored: what she sees is what
// the hall sees, and sheet music stays readable.

import { Component, make, need } from "./component.js";
import { listDevices } from "./devices.js";
import { text } from "./texts.js";

/** @typedef {import("./studio.js").Studio} Studio */

export class SelfView extends Component {
  /**
   * @param {HTMLElement} root
   * @param {Studio} studio
   */
  constructor(root, studio) {
    super(root);
    this.studio = studio;
    this.video = this.need("[data-part=video]", HTMLVideoElement);
    this.closed = this.need("[data-part=closed]", HTMLElement);
    this.opener = this.need("[data-part=open]", HTMLButtonElement);
    this.trouble = need(document, "#device-trouble", HTMLElement);
    this.listen(this.opener, "click", () => void studio.open());
    this.listen(studio, "change", () => this.#draw());
    this.#draw();
  }

  #draw() {
    const { stream, trouble, busy } = this.studio;
    const shown = (stream?.getVideoTracks().length ?? 0) > 0;
    if (this.video.srcObject !== stream) this.video.srcObject = stream;
    if (shown && this.video.paused) void this.video.play().catch(() => {});
    this.video.hidden = !shown;
    this.closed.hidden = shown;
    this.opener.disabled = busy;
    const key = trouble === "insecure" ? "failed" : trouble;
    this.trouble.textContent = key ? text(`desk_device_${key}`) : "";
  }
}

/** Which camera, which microphone. */
export class DeviceChoice extends Component {
  /**
   * @param {HTMLElement} root
   * @param {Studio} studio
   */
  constructor(root, studio) {
    super(root);
    this.studio = studio;
    this.camera = this.need("[data-part=camera]", HTMLSelectElement);
    this.microphone = this.need("[data-part=microphone]", HTMLSelectElement);
    this.listen(this.camera, "change", () => void studio.useCamera(this.camera.value));
    this.listen(this.microphone, "change", () => void studio.useMicrophone(this.microphone.value));
    this.listen(studio, "change", () => void this.#draw());
    void this.#draw();
  }

  async #draw() {
    const stream = this.studio.stream;
    this.camera.disabled = this.microphone.disabled = !stream || this.studio.busy;
    if (!stream) return;
    const { cameras, microphones } = await listDevices();
    fill(this.camera, cameras, "desk_camera_n", stream.getVideoTracks()[0]);
    fill(this.microphone, microphones, "desk_microphone_n", stream.getAudioTracks()[0]);
  }
}

/** One switch with two names. */
export class MusicSwitch extends Component {
  /**
   * @param {HTMLElement} root
   * @param {Studio} studio
   */
  constructor(root, studio) {
    super(root);
    const music = this.need("[data-part=music]", HTMLButtonElement);
    const speech = this.need("[data-part=speech]", HTMLButtonElement);
    const words = this.need("[data-part=words]", HTMLElement);
    this.listen(music, "click", () => void studio.setMusic(true));
    this.listen(speech, "click", () => void studio.setMusic(false));
    this.listen(studio, "change", () => {
      const on = studio.choice.music;
      music.setAttribute("aria-pressed", String(on));
      speech.setAttribute("aria-pressed", String(!on));
      words.textContent = text(on ? "desk_music_words" : "desk_speech_words");
    });
  }
}

/**
 * @param {HTMLSelectElement} select
 * @param {MediaDeviceInfo[]} devices
 * @param {string} key - the name of one that tells none
 * @param {MediaStreamTrack|undefined} track
 */
function fill(select, devices, key, track) {
  const used = track?.getSettings().deviceId ?? "";
  const options = devices.map((device, index) =>
    make(
      "option",
      { value: device.deviceId, selected: device.deviceId === used },
      device.label || text(key, { n: index + 1 }),
    ),
  );
  if (!devices.some((device) => device.deviceId === used) && track) {
    options.unshift(make("option", { value: used, selected: true }, track.label || text(key, { n: 1 })));
  }
  select.replaceChildren(...options);
}
