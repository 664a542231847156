import { createHmac, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/* As much of STUN (RFC 8489) over UDP as it takes to ask a server on loopback. */

export const methods = { binding: 0x001, allocate: 0x003 };
export const attributes = {
  username: 0x0006,
  messageIntegrity: 0x0008,
  errorCode: 0x0009,
  lifetime: 0x000d,
  realm: 0x0014,
  nonce: 0x0015,
  xorRelayedAddress: 0x0016,
  requestedTransport: 0x0019,
};
/** With this number, addresses are veiled and messages known for STUN's. */
export const cookie = 0x2112a442;

export type Attribute = readonly [type: number, value: Buffer];

export interface Response {
  readonly isRefusal: boolean;
  readonly attributes: ReadonlyMap<number, Buffer>;
}

/** Whether a STUN server answers on this port of 127.0.0.1 within 100 ms. */
export async function answersStun(port: number): Promise<boolean> {
  const client = await connectTo(port, { everyMs: 100, times: 1 });
  try {
    await client.request(methods.binding, []);
    return true;
  } catch {
    return false; // refused, or silent: not yet
  } finally {
    client.close();
  }
}

/** The value of an attribute that must be there. */
export function attributeOf({ attributes: values }: Response, attribute: number): Buffer {
  const value = values.get(attribute);
  if (!value) throw new Error(`the response has no attribute 0x${attribute.toString(16)}`);
  return value;
}

/** A UDP socket to the server. A request is repeated until it is answered: datagrams get lost. */
export async function connectTo(
  port: number,
  patience: { readonly everyMs: number; readonly times: number },
) {
  const socket = createSocket('udp4');
  socket.connect(port, '127.0.0.1');
  await once(socket, 'connect');

  function request(method: number, values: readonly Attribute[], key?: Buffer): Promise<Response> {
    const transaction = randomBytes(12);
    const bytes = encode(method, transaction, values, key);
    return new Promise((resolve, reject) => {
      let sent = 0;
      const settle = (act: () => void): void => {
        clearInterval(timer);
        socket.off('message', onMessage).off('error', onError);
        act();
      };
      const onMessage = (message: Buffer): void => {
        if (message.subarray(8, 20).equals(transaction)) settle(() => resolve(decode(message)));
      };
      const onError = (error: Error): void => settle(() => reject(error));
      const send = (): void => {
        if (sent === patience.times) settle(() => reject(new Error(`nothing answers on UDP port ${port}`)));
        else socket.send(bytes);
        sent += 1;
      };
      const timer = setInterval(send, patience.everyMs);
      socket.on('message', onMessage).on('error', onError);
      send();
    });
  }

  return { request, close: () => void socket.close() };
}

/** A request; signed when there is a key. */
function encode(method: number, transaction: Buffer, values: readonly Attribute[], key?: Buffer): Buffer {
  const body = Buffer.concat(values.map(encodeAttribute));
  const header = Buffer.alloc(8);
  header.writeUInt16BE(method, 0);
  header.writeUInt16BE(body.length, 2);
  header.writeUInt32BE(cookie, 4);
  const message = Buffer.concat([header, transaction, body]);
  if (!key) return message;
  // The signature covers a length that has the signature in it.
  message.writeUInt16BE(body.length + 24, 2);
  const signature = createHmac('sha1', key).update(message).digest();
  return Buffer.concat([message, encodeAttribute([attributes.messageIntegrity, signature])]);
}

function encodeAttribute([type, value]: Attribute): Buffer {
  const padded = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4);
  padded.writeUInt16BE(type, 0);
  padded.writeUInt16BE(value.length, 2);
  value.copy(padded, 4);
  return padded;
}

function decode(message: Buffer): Response {
  const values = new Map<number, Buffer>();
  for (let at = 20; at < message.length; ) {
    const length = message.readUInt16BE(at + 2);
    values.set(message.readUInt16BE(at), message.subarray(at + 4, at + 4 + length));
    at += 4 + Math.ceil(length / 4) * 4;
  }
  return { isRefusal: (message.readUInt16BE(0) & 0x0110) === 0x0110, attributes: values };
}
