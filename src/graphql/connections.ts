import type { Server, ServerResponse } from 'node:http';
import type { Socket as Connection } from 'node:net';

/** What an HTTP server knows of its connections, to leave in good order. */
export interface Connections {
  /** From now on, each answer is the last on its connection: clients go elsewhere for what they ask next. */
  leave(): void;
  /** Closes those on which nothing was asked yet: browsers open some ahead, and `close()` would wait for them. */
  closeUnasked(): void;
}

export function trackConnections(http: Server): Connections {
  const unasked = new Set<Connection>();
  const running = new Set<ServerResponse>();
  let leaving = false;

  // One function for all of them, not one for each: there are thousands, and for hours.
  function forgetConnection(this: Connection): void {
    unasked.delete(this);
  }
  function forgetResponse(this: ServerResponse): void {
    running.delete(this);
  }

  http.on('connection', (connection) => unasked.add(connection.on('close', forgetConnection)));
  http.on('upgrade', ({ socket }) => void unasked.delete(socket));
  http.prependListener('request', ({ socket }, response) => {
    unasked.delete(socket);
    running.add(response.on('close', forgetResponse));
    if (leaving) makeLast(response);
  });

  return {
    leave() {
      leaving = true;
      for (const response of running) makeLast(response);
    },
    closeUnasked() {
      for (const connection of unasked) connection.destroy();
    },
  };
}

/** A connection that was promised to be kept would stay for seconds after its answer, and `close()` with it. */
function makeLast(response: ServerResponse): void {
  const { socket } = response.req;
  if (!response.headersSent) response.setHeader('connection', 'close');
  else response.once('finish', () => socket.destroySoon());
}
