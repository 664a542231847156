/* Sound and picture of an accepted call: one peer connection, negotiated over the call's signals. */

import { negotiate } from 'call-signaling-client';
import { openMedia } from './media.js';
import * as stage from './stage.js';

/** @import { Call } from 'call-signaling-client' */
/** @import { Person } from './identity.js' */

/** Tells other tabs of this browser which calls are here: what they would play, this microphone would hear. */
const tabs = new BroadcastChannel('call-signaling.calls');

/**
 * Begins to talk; returns how to stop.
 *
 * @param {Call} call
 * @param {Person} me
 * @returns {() => void}
 */
export function talk(call, me) {
  const pc = new RTCPeerConnection({ iceServers: call.iceServers });
  const coming = openMedia(me);
  const stopNegotiating = negotiate(call, pc);
  let isOver = false;
  let theyShow = true;

  stage.showPhase('Connecting…', 'waiting');
  if (call.acceptedAt) stage.showTime(call.acceptedAt);
  pc.addEventListener('track', ({ streams: [stream] }) => {
    if (!stream) return;
    stage.showRemote(stream);
    stage.showPicture(theyShow);
  });
  pc.addEventListener('connectionstatechange', () => {
    const [text, look] = phaseOf(pc.connectionState);
    if (!isOver && text) stage.showPhase(text, look);
  });
  const offMessage = call.on('message', ({ type, payload }) => {
    if (type !== 'media') return;
    const { camera, microphone } = /** @type {{ camera: boolean, microphone: boolean | null }} */ (payload);
    theyShow = camera;
    stage.showPicture(camera);
    stage.showTheirs(microphone === false ? 'Muted on the other side' : '');
  });
  const offEcho = avoidEcho(call, me);
  const measuring = setInterval(() => void measure(pc), 2000);

  void coming.then((media) => {
    if (isOver) return media.stop();
    for (const track of media.stream.getTracks()) pc.addTrack(track, media.stream);
    stage.showLocal(media.stream, media.hasCamera);
    if (media.note) stage.addNote(media.note);
    showSwitches(call, media);
  });

  return () => {
    if (isOver) return;
    isOver = true;
    stopNegotiating();
    clearInterval(measuring);
    offMessage();
    offEcho();
    pc.close();
    void coming.then(({ stop }) => stop());
  };
}

/** @param {RTCPeerConnectionState} state @returns {[text: string, look: 'waiting' | 'talking']} */
function phaseOf(state) {
  switch (state) {
    case 'connected':
      return ['Talking', 'talking'];
    case 'disconnected':
      return ['Sound and picture hang; waiting for them', 'waiting'];
    case 'failed':
      return ['Sound and picture are lost; connecting them anew', 'waiting'];
    default:
      return ['', 'waiting'];
  }
}

/**
 * @param {Call} call
 * @param {import('./media.js').Media} media
 */
function showSwitches(call, { stream }) {
  const [sound] = stream.getAudioTracks();
  const [picture] = stream.getVideoTracks();
  const tell = () =>
    call.send('media', { camera: picture?.enabled ?? false, microphone: sound?.enabled ?? null });

  const show = () => {
    if (sound)
      stage.showControl(
        'mute',
        sound.enabled ? 'microphone' : 'microphone-off',
        sound.enabled ? 'Mute' : 'Unmute',
        () => turn(sound),
      );
    if (picture)
      stage.showControl(
        'camera',
        picture.enabled ? 'camera' : 'camera-off',
        picture.enabled ? 'Camera off' : 'Camera on',
        () => turn(picture),
      );
  };
  /** @param {MediaStreamTrack} track */
  const turn = (track) => {
    track.enabled = !track.enabled;
    show();
    // Who cannot be told now sees a black picture meanwhile.
    tell().catch(() => {});
  };
  show();
}

/**
 * When the other side of a call is a tab of this browser, its sound stays off until somebody wants it.
 *
 * @param {Call} call
 * @param {Person} me
 */
function avoidEcho(call, me) {
  /** @param {boolean} isOn */
  const show = (isOn) => {
    stage.setSound(isOn);
    stage.showControl('sound', isOn ? 'sound' : 'sound-off', isOn ? 'Sound off' : 'Sound on', () =>
      show(!isOn),
    );
  };
  let isKnown = false;
  const say = () => tabs.postMessage({ callId: call.id, uid: me.uid });
  /** @param {MessageEvent<{ callId: string, uid: string }>} event */
  const hear = ({ data: { callId, uid } }) => {
    if (callId !== call.id || uid === me.uid || isKnown) return;
    isKnown = true;
    say();
    show(false);
    stage.addNote('The other side is a tab of this browser: its sound is off, or it would echo.');
  };
  tabs.addEventListener('message', hear);
  show(true);
  say();
  return () => tabs.removeEventListener('message', hear);
}

/** @param {RTCPeerConnection} pc */
async function measure(pc) {
  const all = [...(await pc.getStats()).values()];
  const pair = all.find(
    ({ type, nominated, state }) => type === 'candidate-pair' && nominated && state === 'succeeded',
  );
  const video = all.find(({ type, kind }) => type === 'inbound-rtp' && kind === 'video');
  if (!pair || pc.connectionState !== 'connected') return stage.showRoute('');
  const relayed = all.some(
    ({ id, candidateType }) => id === pair.localCandidateId && candidateType === 'relay',
  );
  const facts = [
    relayed ? 'through a relay' : 'from browser to browser',
    video?.frameWidth ? `${video.frameWidth} × ${video.frameHeight}` : '',
    video?.framesPerSecond ? `${Math.round(video.framesPerSecond)} pictures a second` : '',
  ];
  stage.showRoute(facts.filter(Boolean).join(', '));
}
