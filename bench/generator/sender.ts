import { connect, type Socket } from 'node:net';
import { placesOf, writeTime } from './mark.ts';

/** An HTTP request that is sent again and again, each time with another time in it. */
export interface Template {
  readonly bytes: Buffer;
  readonly places: readonly number[];
}

export function templateOf(request: string): Template {
  const bytes = Buffer.from(request);
  return { bytes, places: placesOf(bytes) };
}

const statusLine = 'HTTP/1.1 ';

/** Sends requests on one connection that is kept alive, without waiting for what comes back. */
export class Sender {
  answered = 0;
  refused = 0;
  /** The first answer that was not as it should be. */
  complaint = '';
  private readonly url: URL;
  private socket: Socket | undefined;
  private stopped = false;
  /** The end of what came, where a status line may have begun. */
  private rest = '';

  constructor(url: string) {
    this.url = new URL(url);
    this.connect();
  }

  /** One write, however many requests are in it: they arrive together. */
  send(requests: readonly Template[], timeUs: number): void {
    const stamped = requests.map(({ bytes, places }) => {
      const copy = Buffer.from(bytes);
      for (const place of places) writeTime(copy, place, timeUs);
      return copy;
    });
    this.socket?.write(stamped.length === 1 && stamped[0] ? stamped[0] : Buffer.concat(stamped));
  }

  stop(): void {
    this.stopped = true;
    this.socket?.destroy();
  }

  /** Servers end connections that were silent for some seconds; the next one is open before it is needed. */
  private connect(): void {
    const { hostname, port } = this.url;
    this.socket = connect({ host: hostname, port: Number(port), noDelay: true });
    this.socket.on('data', (chunk: Buffer) => this.read(chunk.toString('latin1')));
    this.socket.on('error', () => {});
    this.socket.once('close', () => {
      if (!this.stopped) this.connect();
    });
  }

  private read(text: string): void {
    const seen = this.rest + text;
    this.answered += seen.split(statusLine).length - 1;
    const bad = /HTTP\/1\.1 [^2].*|"errors":.*|"offline":true/.exec(seen);
    if (bad) {
      this.refused++;
      this.complaint ||= seen.slice(bad.index, bad.index + 400);
    }
    this.rest = seen.slice(-(statusLine.length - 1));
  }
}
