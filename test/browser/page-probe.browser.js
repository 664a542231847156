/* Put into each page before its own scripts: it keeps the peer connections that they make, to ask them for figures. */

const Real = globalThis.RTCPeerConnection;
const connections = [];

globalThis.RTCPeerConnection = class extends Real {
  constructor(configuration) {
    super({ ...configuration, ...globalThis.probe.configuration });
    connections.push(this);
  }
};

/** A small picture: each page encodes one and decodes one in software, on as few cores as there are. */
const mediaDevices = navigator.mediaDevices ?? {};
const { getUserMedia } = mediaDevices;
mediaDevices.getUserMedia = (wish) => {
  const video = wish.video && { width: 320, height: 240 };
  return getUserMedia.call(mediaDevices, { ...wish, video });
};

globalThis.probe = {
  /** What a test wants of each, whatever the page says. */
  configuration: {},

  /** Pictures of the other side that were decoded, in the newest call. */
  async framesDecoded() {
    const video = (await stats()).find(({ type, kind }) => type === 'inbound-rtp' && kind === 'video');
    return video?.framesDecoded ?? 0;
  },

  /** The kinds of the two candidates in use. */
  async route() {
    const all = await stats();
    const byId = (wanted) => all.find(({ id }) => id === wanted);
    const transport = all.find(({ type }) => type === 'transport');
    const pair = byId(transport?.selectedCandidatePairId);
    return [byId(pair?.localCandidateId)?.candidateType, byId(pair?.remoteCandidateId)?.candidateType];
  },
};

async function stats() {
  const open = connections.filter(({ connectionState }) => connectionState !== 'closed');
  return [...((await open.at(-1)?.getStats()) ?? new Map()).values()];
}
