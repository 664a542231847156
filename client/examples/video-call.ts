import { type Call, connect, negotiate } from 'call-signaling-client';

/** One-to-one video calls between two elements of a page. Returns the way to call somebody. */
export function video(getToken: () => Promise<string>, mine: HTMLVideoElement, theirs: HTMLVideoElement) {
  const signaling = connect({ url: '/graphql', getToken, hubId: 'team' });
  signaling.on('call', async (call) => {
    if (confirm(`${call.peerName} calls`)) await (await talk(call)).accept();
    else await call.decline();
  });
  async function talk(call: Call): Promise<Call> {
    const media = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
    mine.srcObject = media;
    call.on('ended', () => media.getTracks().map((track) => track.stop()));
    call.on('accepted', () => {
      const pc = new RTCPeerConnection({ iceServers: call.iceServers });
      pc.ontrack = ({ streams }) => Object.assign(theirs, { srcObject: streams[0] });
      for (const track of media.getTracks()) pc.addTrack(track, media);
      negotiate(call, pc);
      call.on('ended', () => pc.close());
    });
    return call;
  }
  return async (uid: string) => talk(await signaling.dial(uid));
}
