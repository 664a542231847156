import { plainSpeaking } from '../dialects/peers.ts';
import type { CallDialect, Heard, Message, Saying, Word } from './dialect.ts';
import { payloadOf } from './payloads.ts';

/** What a word is called on its way, and whether it goes to both sides, as the service tells both of each change. */
const ways: Record<Word, { readonly what: Heard['what']; readonly toBoth: boolean }> = {
  dial: { what: 'ring', toBoth: false },
  ring: { what: 'alerting', toBoth: true },
  accept: { what: 'accepted', toBoth: true },
  offer: { what: 'offer', toBoth: false },
  answer: { what: 'answer', toBoth: false },
  candidate: { what: 'candidate', toBoth: false },
  hangUp: { what: 'ended', toBoth: true },
  log: { what: 'logged', toBoth: true },
};

/** A relay that knows nothing of calls: it carries the same messages to the same sockets. */
export const bare: CallDialect = {
  sockets: plainSpeaking,
  onSocket: (id, saying) => JSON.stringify({ id, ...publicationOf(saying) }),
  understand,
  isRefusal: () => false,
  tellsLog: true,
};

function publicationOf({ word, from, to, roomId }: Saying): object {
  const { what, toBoth } = ways[word];
  return {
    topic: toBoth ? `hub:${from.member.hubId}` : `user:${to.member.uid}`,
    except: 'none',
    type: what,
    payload: { callId: roomId, socketId: from.socketId, payload: payloadOf(word) },
  };
}

interface Received {
  readonly done?: string;
  readonly payload?: {
    readonly data: {
      readonly incomingSignal: {
        readonly type: Heard['what'];
        readonly payload: { readonly callId: string; readonly socketId: string };
      };
    };
  };
}

function understand(text: string): Message | undefined {
  const { done, payload } = JSON.parse(text) as Received;
  if (done !== undefined) return { answers: done };
  if (!payload) return undefined;
  const { type, payload: said } = payload.data.incomingSignal;
  return { heard: { what: type, ...said } };
}
