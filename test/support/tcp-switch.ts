import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A door of our own before a server: it can lead elsewhere from now on. */
export interface TcpSwitch {
  readonly port: number;
  /** Leads new connections to another port of this machine. Those that are open stay where they are. */
  pointTo(port: number): void;
  /** Breaks every open connection off, on both sides. New ones are let in. */
  cut(): void;
  stop(): Promise<void>;
}

/**
 * Starts forwarding to a port of this machine; stops when the test has finished. `see` is given what comes from the near
 * side, as it comes.
 */
export async function startSwitch(
  upstream: number,
  see: (text: string) => void = () => {},
): Promise<TcpSwitch> {
  const sockets = new Set<Socket>();
  let target = upstream;

  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    join(near, far);
    join(far, near);
    near.on('data', (bytes) => see(bytes.toString('latin1')));
  });

  function join(from: Socket, to: Socket): void {
    sockets.add(from);
    from.setNoDelay(true);
    from.pipe(to);
    // Broken off on one side is broken off on the other; `close` follows and says all there is to say.
    from.on('error', () => {});
    from.once('close', () => {
      sockets.delete(from);
      to.destroy();
    });
  }

  function cut(): void {
    for (const socket of [...sockets]) socket.destroy();
  }

  async function stop(): Promise<void> {
    if (!server.listening) return;
    server.close();
    cut();
    await once(server, 'close');
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(stop);
  return {
    port: (server.address() as AddressInfo).port,
    pointTo: (port) => {
      target = port;
    },
    cut,
    stop,
  };
}
