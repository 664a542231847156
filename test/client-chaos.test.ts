import process from 'node:process';
import { describe, expect, test } from 'vitest';
import { startChaosProxy } from './support/chaos-proxy.ts';
import { transports } from './support/listen.ts';
import type { ChaosProxy } from './support/proxy.ts';
import { type Member, member } from './support/sdk.ts';
import { startService } from './support/service.ts';

/*
 * The client on a network that does its worst. `npm run client:chaos` is the long form: 500 faults, freezes of 5 s among
 * them, while 10,000 signals flow.
 */
const isLong = process.env['CLIENT_CHAOS'] === 'long';
const scale = isLong
  ? { signals: 10_000, faults: 500, freezeMs: 5_000, sent: 1_000, heartbeatMs: 1_000, limitMs: 3_600_000 }
  : { signals: 500, faults: 25, freezeMs: 100, sent: 50, heartbeatMs: 40, limitMs: 60_000 };

/** Never more signals on their way than the service replays. */
const mostAhead = 400;

const faults = ['cut', 'reset', 'tear', 'freeze', 'freezeAll'] as const;
type Fault = (typeof faults)[number];

describe.each(transports)('over %s', (transport) => {
  test(
    `${scale.signals} signals arrive once each and in order through ${scale.faults} faults of the network`,
    async () => {
      const { url } = await startService({ engine: 'memory' });
      const proxy = await startChaosProxy(Number(new URL(url).port));
      const alice = member(proxy.url, 'alice', {
        transport,
        heartbeatMs: scale.heartbeatMs,
        pongMs: scale.heartbeatMs,
        timeoutMs: scale.limitMs,
        connectTimeoutMs: 4 * scale.heartbeatMs + 500,
        retry: { firstMs: 10, mostMs: 100 },
      });
      const bob = member(url, 'bob', { transport });
      await Promise.all([alice.signaling.ready(), bob.signaling.ready()]);

      const told = { alice: tellings(alice), bob: tellings(bob) };
      const [counts] = await Promise.all([
        breakThings(proxy, alice, told.alice),
        flow(bob, told.alice),
        answer(alice),
      ]);
      await expect.poll(() => told.alice.length, { timeout: 20_000 }).toBe(scale.signals);
      await expect.poll(() => told.bob.length, { timeout: 20_000 }).toBe(scale.sent);

      expect(told.alice).toEqual(numbers(scale.signals));
      expect(told.bob).toEqual(numbers(scale.sent));
      expect(Object.values(counts).reduce((sum, count) => sum + count)).toBe(scale.faults);
      const starts = alice.states.all.filter(({ state }) => state === 'connected');
      expect(starts).toEqual([{ state: 'connected', reason: null }]);
      const recoveries = alice.states.all.filter(({ state }) => state === 'recovered').length;
      // Every cut, reset and tear at least.
      expect(recoveries).toBeGreaterThanOrEqual((scale.faults * 3) / 5);
      if (isLong) console.log(transport, counts, { recoveries });
    },
    scale.limitMs,
  );
});

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** The numbers that arrive, messages and notifications alike. */
function tellings({ signaling }: Member): number[] {
  const told: number[] = [];
  signaling.on('signal', (signal) => {
    if (signal.__typename === 'PeerMessage' || signal.__typename === 'HubNotification')
      told.push((signal.payload as { number: number }).number);
  });
  return told;
}

/** Sends numbers to Alice, each after the one before it was taken; every tenth to the whole hub. */
async function flow({ signaling }: Member, told: readonly number[]): Promise<void> {
  for (const number of numbers(scale.signals)) {
    if (number - told.length > mostAhead)
      await expect.poll(() => number - told.length, { timeout: scale.limitMs }).toBeLessThan(mostAhead / 2);
    if (number % 10 === 0) await signaling.notify(['team'], 'number', { number });
    else await signaling.message({ uid: 'alice' }, 'number', { number });
  }
}

/** Sends numbers through the same network, where answers are lost and requests repeated. */
async function answer({ signaling }: Member): Promise<void> {
  for (const number of numbers(scale.sent)) await signaling.message({ uid: 'bob' }, 'number', { number });
}

/** One fault after the other, each on a living connection, when enough has arrived since the one before. */
async function breakThings(
  proxy: ChaosProxy,
  { signaling }: Member,
  told: readonly number[],
): Promise<Record<Fault, number>> {
  const counts = { cut: 0, reset: 0, tear: 0, freeze: 0, freezeAll: 0 };
  const every = scale.signals / (scale.faults + 1);
  const patience = { timeout: scale.limitMs, interval: 2 };
  for (const turn of numbers(scale.faults)) {
    await expect.poll(() => told.length, patience).toBeGreaterThan(Math.floor(turn * every));
    const fault = faults[turn % faults.length] as Fault;
    const { socketId } = signaling;
    counts[fault]++;
    await doIts(proxy, fault);
    // One that thaws in time may go on as if nothing had been.
    if (!fault.startsWith('freeze')) await expect.poll(() => signaling.socketId, patience).not.toBe(socketId);
  }
  return counts;
}

async function doIts(proxy: ChaosProxy, fault: Fault): Promise<void> {
  if (fault !== 'freeze' && fault !== 'freezeAll') return proxy[fault]();
  proxy.freeze(fault === 'freeze' ? 'open' : 'all');
  await new Promise((resolve) => setTimeout(resolve, scale.freezeMs));
  proxy.thaw();
}
