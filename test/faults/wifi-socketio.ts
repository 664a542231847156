import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { ensurePeers } from '../../bench/run/peers.ts';
import { type ChaosProxy, openProxy } from '../support/proxy.ts';
import type { Figures, Run } from './fault.ts';
import { jitter } from './jitter.ts';
import { comesAbout, until } from './wait.ts';

/** What Socket.IO delivers on the same network, with connection state recovery on its Redis Streams adapter. */
export async function socketIoOnWifi(
  run: Run,
  redisUrl: string,
  clients: number,
  forMs: number,
): Promise<Figures> {
  await ensurePeers();
  const servers = await Promise.all([startServer(run, redisUrl), startServer(run, redisUrl)]);
  const proxies: ChaosProxy[] = [];
  const received = new Map<string, Set<number>>();
  const sockets = await Promise.all(
    Array.from({ length: clients }, async (_, i) => {
      let turn = i;
      const proxy = await openProxy(() => servers[turn++ % servers.length] ?? 1);
      run.defer(proxy.stop);
      proxies.push(proxy);
      const seen = new Set<number>();
      received.set(`user${i}`, seen);
      return connect(run, proxy.url, `user:user${i}`, (id) => seen.add(id));
    }),
  );
  await until('Socket.IO to be connected', 60_000, () => sockets.every((socket) => socket.isOpen()));
  run.note('the same with Socket.IO');
  const leaving = new AbortController();
  const sending = send(servers[0] ?? 1, clients, run, leaving.signal);
  await jitter(run, proxies, forMs);
  leaving.abort();
  const sent = await sending;
  const missing = () => sent.filter(({ uid, id }) => !received.get(uid)?.has(id)).length;
  await comesAbout(15_000, () => missing() === 0, 100);
  const share = (100 * (sent.length - missing())) / Math.max(1, sent.length);
  return {
    socketIoSent: sent.length,
    socketIoLost: missing(),
    socketIoDeliveredPercent: Math.round(share * 100) / 100,
  };
}

async function startServer(run: Run, redisUrl: string): Promise<number> {
  const child = spawn(process.execPath, ['bench/peers/socketio.mts', 'streams'], {
    env: { PATH: process.env['PATH'], REDIS_URL: redisUrl },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  run.defer(() => child.kill('SIGKILL'));
  let text = '';
  for (;;) {
    const [chunk] = await once(child.stdout, 'data');
    text += String(chunk);
    const port = /127\.0\.0\.1:(\d+)/.exec(text)?.[1];
    if (port) return Number(port);
  }
}

/** As socket.io-client does: comes back after 0.5 to 1.5 s, with the session's id and the last offset. */
function connect(run: Run, url: string, topic: string, hear: (id: number) => void) {
  let session: { pid?: string; offset?: string } = {};
  let isOpen = false;
  let isOver = false;
  let ws: WebSocket | undefined;
  run.defer(() => {
    isOver = true;
    ws?.terminate();
  });

  function open(): void {
    if (isOver) return;
    ws = new WebSocket(`${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`);
    ws.on('message', (data) => take(String(data)));
    ws.on('error', () => {});
    ws.on('close', () => {
      isOpen = false;
      setTimeout(open, 500 + run.random() * 1000);
    });
  }

  function take(text: string): void {
    if (text === '2') ws?.send('3');
    else if (text.startsWith('0')) ws?.send(`40${JSON.stringify({ topics: [topic], ...session })}`);
    else if (text.startsWith('40'))
      session = { ...session, pid: (JSON.parse(text.slice(2)) as { pid: string }).pid };
    else if (text.startsWith('42')) event(JSON.parse(text.slice(2)) as unknown[]);
  }

  function event([name, body, offset]: unknown[]): void {
    isOpen = true;
    if (typeof offset === 'string') session.offset = offset;
    if (name === 'signal') hear((body as { payload: { fault: number } }).payload.fault);
  }

  open();
  return { isOpen: () => isOpen };
}

/** 100 signals a second, each to one of the clients. */
async function send(port: number, clients: number, run: Run, signal: AbortSignal) {
  const sent: { uid: string; id: number }[] = [];
  for (let id = 1; !signal.aborted; id++) {
    const uid = `user${Math.floor(run.random() * clients)}`;
    const body = JSON.stringify({ topic: `user:${uid}`, except: '', type: 'fault', payload: { fault: id } });
    const response = await fetch(`http://127.0.0.1:${port}/publish`, { method: 'POST', body }).catch(
      () => undefined,
    );
    if (response?.ok) sent.push({ uid, id });
    await delay(10);
  }
  return sent;
}
