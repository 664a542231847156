import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { Call } from '../../client/src/index.ts';
import { ModelPeerConnection } from './peer-connection.ts';

/*
 * A program: Alice and Bob open a page with the client's example of a video call, and call each other. Node stands in for
 * their browsers, with models of what a browser has. Prints what they saw, and stays until it is ended.
 *
 *     node test/support/two-pages.ts <the example> <where the page is served>
 */
const [example = '', page = ''] = process.argv.slice(2);
const print = (...words: unknown[]): void => void process.stdout.write(`${words.join(' ')}\n`);

const connections: ModelPeerConnection[] = [];

/** `new` gives what it returns. */
function RTCPeerConnection() {
  const pc = new ModelPeerConnection(() => 0);
  connections.push(pc);
  const addTrack = ({ id }: { id: string }): void => ModelPeerConnection.prototype.addTrack.call(pc, id);
  return Object.assign(pc, { addTrack, close: () => print('A connection is closed.') });
}

const track = { id: 'camera', stop: () => print('A camera is off.') };
Object.defineProperty(globalThis, 'navigator', {
  value: { mediaDevices: { getUserMedia: async () => ({ getTracks: () => [track] }) } },
});
Object.assign(globalThis, {
  RTCPeerConnection,
  location: { href: page },
  confirm: (question: string) => {
    print(`Bob is asked: ${question}.`);
    return true;
  },
});

const { video } = await import(pathToFileURL(example).href);
const open = (me: string): ((uid: string) => Promise<Call>) =>
  video(async () => (await fetch(new URL(`/token?me=${me}`, page))).text(), {}, {});

const dial = open('alice');
print(`Bob is away: ${(await dial('bob')).reason}.`);
open('bob');
let call = await dial('bob');
while (call.reason === 'UNREACHABLE') call = await dial('bob');
await new Promise<void>((resolve) => call.on('accepted', () => resolve()));
const seeing = () => connections.filter(({ remoteTracks }) => remoteTracks.includes(track.id));
while (seeing().length < 2) await delay(10);
print('Both see each other.');
await call.hangUp();
print(`It is over: ${call.reason}.`);
