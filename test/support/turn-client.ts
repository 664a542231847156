import { createHash } from 'node:crypto';
import { onTestFinished } from 'vitest';
import {
  type Attribute,
  attributeOf,
  attributes,
  connectTo,
  cookie,
  methods,
  type Response,
} from './stun.ts';

/** What a browser is given for a TURN server. */
export interface TurnCredentials {
  readonly username: string;
  readonly credential: string;
}

/** What comes of asking for a relay: its address, or the refusal. */
export type AllocationOutcome =
  | { readonly relay: { readonly address: string; readonly port: number }; readonly lifetimeSeconds: number }
  | { readonly refused: number; readonly reason: string };

const udp = Buffer.from([17, 0, 0, 0]);

/** Asks the TURN server on this port of 127.0.0.1 for a relay (RFC 8656, section 7), as a browser does. One that it gets is held until the test has finished. */
export async function allocate(port: number, credentials: TurnCredentials): Promise<AllocationOutcome> {
  const client = await connectTo(port, { everyMs: 500, times: 10 });
  onTestFinished(client.close);
  const wanted: Attribute = [attributes.requestedTransport, udp];
  // The first request is refused, and the refusal says how to sign the second one.
  const refusal = await client.request(methods.allocate, [wanted]);
  const realm = attributeOf(refusal, attributes.realm);
  const nonce = attributeOf(refusal, attributes.nonce);
  const { username, credential } = credentials;
  const key = createHash('md5').update(`${username}:${realm.toString()}:${credential}`).digest();
  const response = await client.request(
    methods.allocate,
    [
      wanted,
      [attributes.username, Buffer.from(username)],
      [attributes.realm, realm],
      [attributes.nonce, nonce],
    ],
    key,
  );
  return outcomeOf(response);
}

function outcomeOf(response: Response): AllocationOutcome {
  if (response.isRefusal) {
    const error = attributeOf(response, attributes.errorCode);
    return { refused: error.readUInt8(2) * 100 + error.readUInt8(3), reason: error.toString('utf8', 4) };
  }
  const relayed = attributeOf(response, attributes.xorRelayedAddress);
  const address = relayed.readUInt32BE(4) ^ cookie;
  return {
    relay: {
      address: [24, 16, 8, 0].map((bits) => (address >>> bits) & 0xff).join('.'),
      port: relayed.readUInt16BE(2) ^ (cookie >>> 16),
    },
    lifetimeSeconds: attributeOf(response, attributes.lifetime).readUInt32BE(),
  };
}
