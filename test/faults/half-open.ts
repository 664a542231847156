import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from '../../bench/generator/connection.ts';
import { dialects } from '../../bench/generator/dialects/table.ts';
import { Meter } from '../../bench/generator/meter.ts';
import { tokenFor } from '../../bench/token.ts';
import { type ChaosProxy, openProxy } from '../support/proxy.ts';
import type { Fault } from './fault.ts';
import { hubId } from './people.ts';
import { ownRedis } from './redis.ts';
import { startScene } from './scene.ts';
import { comesAbout } from './wait.ts';

export const halfOpen: Fault = {
  name: 'half-open',
  sentence:
    'The network of 20 clients swallows everything without a word; the service lets go of their connections.',
  async run(run) {
    const redis = await ownRedis(run);
    const scene = await startScene(run, {
      redisUrl: redis.url,
      nodes: 1,
      clients: 20,
      beatMs: 500,
      perSecond: 20,
    });
    const [node] = scene.installation.nodes;
    const proxy = await openProxy(node?.port ?? 1);
    run.defer(proxy.stop);
    const silent = await scene.people.open(20, () => proxy.url);
    const [sseProxy, signedProxy] = [await openProxy(node?.port ?? 1), await openProxy(node?.port ?? 1)];
    run.defer(sseProxy.stop);
    run.defer(signedProxy.stop);
    if (run.long) await openStreams(sseProxy.url, 'mute');
    const signing = await openStreams(signedProxy.url, 'signing');
    const stopSigns = await Promise.all(
      signing.map(({ socketId }, i) => giveSigns(signedProxy.url, `signing${i}`, socketId)),
    );
    // Long enough for the heartbeat to be in any phase.
    await delay(1000);
    scene.people.forgive();
    for (const stop of stopSigns) stop();
    run.note(
      `freezing ${proxy.connections} WebSockets, ${sseProxy.connections} streams, and some that gave signs of life`,
    );
    const freed = [proxy, sseProxy, signedProxy].map((each) => freedMs(each, node?.pid ?? 0));
    for (const person of silent) scene.people.close(person);
    const [webSockets = null, streams = null, signed = null] = await Promise.all(freed);
    const figures = { freedMs: webSockets, sseFreedMs: streams, signedSseFreedMs: signed };
    run.note(JSON.stringify(figures));
    const limits = { freedMs: 20_000, signedSseFreedMs: 20_000 };
    return scene.finish({ ...limits, ...(run.long && { sseFreedMs: 330_000 }) }, figures);
  },
};

/** Streams of server-sent events. The service cannot ask their clients, and ends every stream by its rotation. */
async function openStreams(url: string, name: string): Promise<Connection[]> {
  const { hostname, port } = new URL(url);
  const endpoint = { host: hostname, port: Number(port) };
  const meter = new Meter();
  const streams = Array.from({ length: 20 }, (_, i) => {
    const member = { uid: `${name}${i}`, deviceId: `${name}${i}`, hubId, operation: 0 };
    return new Connection(endpoint, dialects['ours-sse'], member, meter);
  });
  await Promise.all(streams.map(({ open }) => open));
  return streams;
}

/** How often a client says that it is there, in milliseconds. */
const signMs = 8000;

/**
 * Says so for a stream's client, over the same network, until it dies; returns how it does, once the first sign was answered:
 * a request that the network swallows is waited for 30 s.
 */
async function giveSigns(url: string, uid: string, socketId: string): Promise<() => void> {
  const sign = async (): Promise<void> => {
    const query = `mutation { keepAlive(socketId: "${socketId}") { nextBy } }`;
    await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${tokenFor(uid, hubId)}` },
      body: JSON.stringify({ query }),
      signal: AbortSignal.timeout(signMs),
    }).catch(() => {});
  };
  await sign();
  const timer = setInterval(sign, signMs);
  return () => clearInterval(timer);
}

/** From the moment at which a network falls silent until the service holds none of its connections; null of none. */
async function freedMs(proxy: ChaosProxy, pid: number): Promise<number | null> {
  if (proxy.connections === 0) return null;
  const from = performance.now();
  proxy.freeze('all');
  // A frozen link does not hear that its server let go: the operating system does.
  const freed = await comesAbout(340_000, async () => (await established(pid, proxy.farPorts)) === 0, 100);
  return freed ? Math.round(performance.now() - from) : null;
}

/** How many of these connections the server side still holds. */
async function established(pid: number, ports: () => readonly number[]): Promise<number> {
  const text = await readFile(`/proc/${pid}/net/tcp`, 'utf8');
  const wanted = new Set(ports().map((port) => port.toString(16).toUpperCase().padStart(4, '0')));
  return text.split('\n').filter((line) => {
    const [, , remote, state] = line.trim().split(/\s+/);
    return state === '01' && wanted.has(remote?.split(':')[1] ?? '');
  }).length;
}
