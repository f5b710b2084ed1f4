// Whether what is played is being kept: silent while all is well, one sentence when it is not.

import { Component } from "./component.js";
import { text } from "./texts.js";

/** @typedef {import("./staffroom.js").StaffRoom} StaffRoom */

const WORDS = {
  disk_full: "host_recording_disk_full",
  storage_away: "host_recording_storage_away",
  disk_low: "host_recording_disk_low",
};

export class Kept extends Component {
  /**
   * @param {HTMLElement} root
   * @param {StaffRoom} room
   */
  constructor(root, room) {
    super(root);
    this.whenStopped(
      room.subscribe((message) => {
        if (message?.type !== "recording") return;
        root.textContent = message.trouble ? text(WORDS[message.trouble]) : "";
      }),
    );
  }
}
