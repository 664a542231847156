import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from '../../bench/generator/connection.ts';
import { dialects } from '../../bench/generator/dialects/table.ts';
import { Meter } from '../../bench/generator/meter.ts';
import { serveCalls } from '../../bench/rpc.ts';
import type { CrowdApi } from './crowd.ts';

/* Many sockets in a process of their own, so that what they cost is not taken from those who count. */

const meter = new Meter();
const open: Connection[] = [];
/** How long one socket may take to open before it is tried again, in milliseconds. */
const patienceMs = 30_000;

async function openOne(url: string, index: number): Promise<Connection> {
  const { hostname, port } = new URL(url);
  const member = { uid: `crowd${index}`, deviceId: `crowd${index}`, hubId: 'team', operation: 0 };
  for (let attempt = 0; ; attempt++) {
    const endpoint = { host: hostname, port: Number(port), localAddress: `127.0.0.${2 + (index % 4)}` };
    const connection = new Connection(endpoint, dialects['ours-ws'], member, meter);
    try {
      await Promise.race([
        connection.open,
        delay(patienceMs, undefined, { ref: false }).then(() => Promise.reject(new Error('late'))),
      ]);
      return connection;
    } catch {
      connection.end();
      // As clients do: a little later, and later still.
      await delay((250 * 2 ** Math.min(attempt, 4) * (1 + Math.random())) / 2);
    }
  }
}

const api: CrowdApi & Record<string, (argument: never) => unknown> = {
  async connect({ urls, sockets, overMs }) {
    const began = performance.now();
    let opened = 0;
    const all = Array.from({ length: sockets }, async (_, i) => {
      if (overMs > 0) await delay((i / sockets) * overMs);
      open.push(await openOne(urls[i % urls.length] ?? '', i));
      opened++;
    });
    await Promise.race([Promise.all(all), delay(90_000, undefined, { ref: false })]);
    return { opened, ms: Math.round(performance.now() - began) };
  },
  cut: () => {
    for (const connection of open.splice(0)) connection.end();
  },
  async churn({ urls, cycles, atOnce }) {
    let begun = 0;
    await Promise.all(
      Array.from({ length: atOnce }, async (_, lane) => {
        while (begun++ < cycles) (await openOne(urls[lane % urls.length] ?? '', begun % 5000)).end();
      }),
    );
  },
};

serveCalls(api);
