// Cameras and microphones: which there are, and opening a pair of them. No DOM of the page.

/**
 * @typedef {Object} Choice
 * @property {string} [camera] - deviceId, unset: the browser's own choice
 * @property {string} [microphone]
 * @property {boolean} music - the sound as it is; else cleaned as for a call
 */

/** @typedef {"denied"|"missing"|"busy"|"insecure"|"failed"} Refusal */

/** A device that did not open, and why. */
export class DeviceError extends Error {
  /** @param {Refusal} reason */
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

/** At most 720p30: every screen of the hall can draw it, and one ordinary line carries it. */
const PICTURE = {
  width: { ideal: 1280, max: 1280 },
  height: { ideal: 720, max: 720 },
  frameRate: { ideal: 30, max: 30 },
};

/**
 * Ask for camera and microphone, or one of them. The only place where the permission is asked for.
 * @param {Choice} choice
 * @param {"both"|"video"|"audio"} which
 * @returns {Promise<MediaStream>}
 */
export async function openDevices(choice, which = "both") {
  if (!navigator.mediaDevices) throw new DeviceError("insecure");
  const video = { ...PICTURE, ...chosen(choice.camera) };
  const audio = { ...soundConstraints(choice.music), ...chosen(choice.microphone) };
  try {
    const stream = await navigator.mediaDevices.getUserMedia({
      video: which !== "audio" && video,
      audio: which !== "video" && audio,
    });
    hint(stream, choice.music);
    return stream;
  } catch (error) {
    throw new DeviceError(refusalOf(error));
  }
}

/** Was the permission given earlier, so that opening asks nothing? */
export async function allowed() {
  try {
    const names = /** @type {PermissionName[]} */ (/** @type {string[]} */ (["camera", "microphone"]));
    const given = await Promise.all(names.map((name) => navigator.permissions.query({ name })));
    return given.every((permission) => permission.state === "granted");
  } catch {
    return false; // Firefox does not tell: then the button asks
  }
}

/**
 * What there is to choose from; empty labels before the permission.
 * @returns {Promise<{cameras: MediaDeviceInfo[], microphones: MediaDeviceInfo[]}>}
 */
export async function listDevices() {
  const all = navigator.mediaDevices ? await navigator.mediaDevices.enumerateDevices() : [];
  return {
    cameras: all.filter((device) => device.kind === "videoinput"),
    microphones: all.filter((device) => device.kind === "audioinput"),
  };
}

/** @param {MediaStream|null} stream */
export function closeDevices(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

/**
 * Music keeps every overtone and both channels: nothing of what a telephone does to a voice.
 * @param {boolean} music
 * @returns {MediaTrackConstraints}
 */
function soundConstraints(music) {
  return {
    echoCancellation: !music,
    noiseSuppression: !music,
    autoGainControl: !music,
    channelCount: { ideal: music ? 2 : 1 },
    sampleRate: { ideal: 48_000 },
  };
}

/**
 * @param {MediaStream} stream
 * @param {boolean} music
 */
function hint(stream, music) {
  for (const track of stream.getAudioTracks()) track.contentHint = music ? "music" : "speech";
}

/** @param {string|undefined} id */
function chosen(id) {
  return id ? { deviceId: { exact: id } } : {};
}

/**
 * @param {unknown} error
 * @returns {Refusal}
 */
function refusalOf(error) {
  const name = error instanceof DOMException || error instanceof Error ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "denied";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "missing";
  if (name === "NotReadableError" || name === "AbortError") return "busy";
  return "failed";
}
