import type { Word } from './dialect.ts';

/*
 * What applications put into the messages of a call, in the sizes that browsers make: descriptions of sound and picture
 * are lines of text, of which JSON escapes each end.
 */

const descriptionBytes = 2500;

const codecLine = 'a=rtpmap:111 opus/48000/2\r\n';

const description = `v=0\r\n${codecLine.repeat(Math.round(descriptionBytes / codecLine.length))}`;

const candidate = {
  candidate:
    'candidate:842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx raddr 192.0.2.3 rport 46154 generation 0 ufrag EEtu network-cost 50',
  sdpMid: '0',
  sdpMLineIndex: 0,
};

const greeting = {
  title: 'A call',
  picture: `https://example.org/${'p'.repeat(40)}.jpg`,
  fill: 'x'.repeat(300),
};

/** What a word carries, if anything. */
export function payloadOf(word: Word): object | null {
  switch (word) {
    case 'dial':
      return greeting;
    case 'offer':
    case 'answer':
      return { type: word, sdp: description };
    case 'candidate':
      return candidate;
    default:
      return null;
  }
}
