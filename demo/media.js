/* Camera and microphone; where there are none, a drawn picture that moves. */

import { toneOf } from './elements.js';

/** @import { Person } from './identity.js' */

/**
 * @typedef {object} Media
 * @property {MediaStream} stream
 * @property {boolean} hasCamera
 * @property {boolean} hasMicrophone
 * @property {string | null} note what the user should know
 * @property {() => void} stop
 */

/**
 * @param {Person} me drawn where there is no camera
 * @returns {Promise<Media>}
 */
export async function openMedia(me) {
  const { stream, refusal } = await capture();
  const hasCamera = stream.getVideoTracks().length > 0;
  const hasMicrophone = stream.getAudioTracks().length > 0;
  const drawn = hasCamera ? undefined : drawPicture(me);
  if (drawn) stream.addTrack(drawn.track);
  return {
    stream,
    hasCamera,
    hasMicrophone,
    note: noteOn(hasCamera, hasMicrophone, refusal),
    stop() {
      for (const track of stream.getTracks()) track.stop();
      drawn?.stop();
    },
  };
}

/**
 * As much as there is: both, or one, or nothing.
 *
 * @returns {Promise<{ stream: MediaStream, refusal: string | null }>}
 */
async function capture() {
  // Missing in pages that are not served securely.
  const { mediaDevices } = /** @type {{ mediaDevices?: MediaDevices }} */ (navigator);
  const video = { width: { ideal: 1280 }, height: { ideal: 720 } };
  let refusal = mediaDevices ? null : 'InsecureContext';
  for (const wish of [{ audio: true, video }, { audio: true }, { video }]) {
    try {
      if (mediaDevices) return { stream: await mediaDevices.getUserMedia(wish), refusal };
    } catch (error) {
      refusal ??= /** @type {DOMException} */ (error).name;
      // Somebody who said no is not asked again.
      if (/** @type {DOMException} */ (error).name === 'NotAllowedError') break;
    }
  }
  return { stream: new MediaStream(), refusal };
}

/**
 * @param {boolean} hasCamera
 * @param {boolean} hasMicrophone
 * @param {string | null} refusal
 */
function noteOn(hasCamera, hasMicrophone, refusal) {
  if (hasCamera && hasMicrophone) return null;
  const missing = hasMicrophone ? 'camera' : hasCamera ? 'microphone' : 'camera or microphone';
  const picture = hasCamera ? '' : ' You send a drawn picture instead.';
  if (refusal === 'NotAllowedError') return `This page may not use your ${missing}.${picture}`;
  if (refusal === 'InsecureContext') return `Browsers give a ${missing} to https pages only.${picture}`;
  if (refusal === 'NotReadableError') return `Your ${missing} is in use elsewhere.${picture}`;
  return `No ${missing} found.${picture}`;
}

const width = 640;
const height = 360;

/**
 * A moving picture with a name. Drawn in a worker where browsers can, because a tab that is not looked at may stand still.
 *
 * @param {Person} me
 * @returns {{ track: MediaStreamTrack, stop: () => void }}
 */
function drawPicture({ uid, firstname }) {
  const order = { name: firstname, tone: toneOf(uid), width, height };
  const worker = new Worker(new URL('picture.worker.js', import.meta.url), { type: 'module' });
  const Generator = /** @type {any} */ (globalThis).MediaStreamTrackGenerator;
  if (Generator) {
    const track = new Generator({ kind: 'video' });
    worker.postMessage({ ...order, frames: track.writable }, [track.writable]);
    return { track, stop: () => worker.terminate() };
  }
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width, height });
  const [track] = canvas.captureStream().getVideoTracks();
  if (!track) throw new Error('This browser cannot film a canvas.');
  const offscreen = canvas.transferControlToOffscreen();
  worker.postMessage({ ...order, canvas: offscreen }, [offscreen]);
  return { track, stop: () => worker.terminate() };
}
