import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A bad network between a client and a server. */
export interface ChaosProxy {
  readonly url: string;
  /** Leads new connections to another port of this machine. */
  pointTo(port: number): void;
  /** Ends every open connection in good order, wherever it is in a message. */
  cut(): void;
  /** Breaks every open connection off with a RST. */
  reset(): void;
  /** Lets a part of what comes next from the server through on each connection, and breaks it off there. */
  tear(): void;
  /**
   * Holds everything back on every open connection, without a word to either side: as a network that is gone. With
   * `all` nobody gets through who comes meanwhile, too.
   */
  freeze(scope: 'open' | 'all'): void;
  /** What was held back goes on. */
  thaw(): void;
  /** Passes on what a client sends next that contains this text, and breaks the connection off when the answer comes. */
  loseAnswerTo(text: string): void;
  /** What becomes of WebSockets from now on: a network that knows only HTTP answers 403, or swallows them. */
  webSockets(way: 'pass' | 'refuse' | 'swallow'): void;
  /** Ends every open connection, and every new one at once, until `up`. */
  down(): void;
  up(): void;
  /** Our own ports of the connections to the server. */
  farPorts(): readonly number[];
  /** Open connections. */
  readonly connections: number;
  stop(): Promise<void>;
}

/** One connection: the client's side and the server's. */
interface Link {
  readonly near: Socket;
  readonly far: Socket;
  isFrozen: boolean;
  isTearing: boolean;
  losesAnswer: boolean;
  isNew: boolean;
}

/** Starts forwarding to a port of this machine: always the same, or the one that is named for each connection. */
export async function openProxy(upstream: number | (() => number)): Promise<ChaosProxy> {
  const links = new Set<Link>();
  let target = typeof upstream === 'number' ? () => upstream : upstream;
  let isDown = false;
  let isFrozen = false;
  let way: 'pass' | 'refuse' | 'swallow' = 'pass';
  let answerToLose: string | undefined;

  const server = createServer((near) => {
    if (isDown) return void near.on('error', () => {}).resetAndDestroy();
    const far = connect(target(), '127.0.0.1');
    const link = { near, far, isFrozen, isTearing: false, losesAnswer: false, isNew: true };
    links.add(link);
    forward(link, near, far, sent);
    forward(link, far, near, answered);
    if (isFrozen) for (const socket of [near, far]) socket.pause();
  });

  function forward(link: Link, from: Socket, to: Socket, pass: (link: Link, data: Buffer) => boolean): void {
    from.setNoDelay(true);
    from.on('data', (data) => {
      if (pass(link, data) && !to.write(data)) from.pause();
    });
    to.on('drain', () => {
      if (!link.isFrozen) from.resume();
    });
    from.on('end', () => to.end());
    // Broken off on one side is broken off on the other; `close` follows and says all there is to say.
    from.on('error', () => {});
    from.once('close', () => {
      links.delete(link);
      to.destroy();
    });
  }

  /** Whether what the client sent is passed on. */
  function sent(link: Link, data: Buffer): boolean {
    if (answerToLose !== undefined && data.includes(answerToLose)) {
      answerToLose = undefined;
      link.losesAnswer = true;
    }
    const isWebSocket = link.isNew && /^upgrade: *websocket/im.test(data.toString('latin1'));
    link.isNew = false;
    if (!isWebSocket || way === 'pass') return true;
    if (way === 'refuse')
      link.near.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    return false;
  }

  /** Whether what the server sent is passed on. */
  function answered(link: Link, data: Buffer): boolean {
    if (link.losesAnswer) link.near.resetAndDestroy();
    if (link.isTearing) {
      link.near.write(data.subarray(0, Math.floor(Math.random() * data.length)), () =>
        link.near.resetAndDestroy(),
      );
      link.far.destroy();
    }
    return !link.losesAnswer && !link.isTearing;
  }

  const each = (act: (link: Link) => void): void => {
    for (const link of [...links]) act(link);
  };

  function thaw(): void {
    isFrozen = false;
    each((link) => {
      link.isFrozen = false;
      link.near.resume();
      link.far.resume();
    });
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  function cut(): void {
    each(({ near, far }) => {
      near.destroy();
      far.destroy();
    });
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    pointTo: (port) => {
      target = () => port;
    },
    cut,
    reset: () =>
      each(({ near, far }) => {
        near.resetAndDestroy();
        far.resetAndDestroy();
      }),
    tear: () =>
      each((link) => {
        link.isTearing = true;
      }),
    freeze: (scope) => {
      isFrozen = scope === 'all';
      each((link) => {
        link.isFrozen = true;
        link.near.pause();
        link.far.pause();
      });
    },
    thaw,
    loseAnswerTo: (text) => {
      answerToLose = text;
    },
    webSockets: (next) => {
      way = next;
    },
    down: () => {
      isDown = true;
      cut();
    },
    up: () => {
      isDown = false;
    },
    farPorts: () => [...links].flatMap(({ far }) => far.localPort ?? []),
    async stop() {
      server.close();
      cut();
      await once(server, 'close');
    },
    get connections() {
      return links.size;
    },
  };
}
