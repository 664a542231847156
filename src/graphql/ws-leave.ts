import type { WebSocket } from 'ws';
import type { WsConnection } from './ws-connection.ts';

/** How long a client may take to answer that a WebSocket closes, when the node stops, in milliseconds. */
const farewellMs = 1000;

/**
 * Closes WebSockets once their operations are answered, for which they have so many milliseconds. Resolves when all have
 * closed; those whose clients do not answer are cut off.
 */
export async function closeAll(
  connections: ReadonlyMap<WebSocket, WsConnection>,
  patienceMs: number,
): Promise<void> {
  const closed = [...connections.keys()].map((ws) => new Promise((resolve) => ws.once('close', resolve)));
  const terminate = (condition: (connection: WsConnection) => boolean): void => {
    for (const connection of connections.values()) if (condition(connection)) connection.terminate();
  };
  for (const connection of connections.values()) connection.closeSoon(1001, 'Going away');
  const tired = setTimeout(() => terminate(({ isIdle }) => isIdle), Math.min(patienceMs, farewellMs));
  const giveUp = setTimeout(() => terminate(() => true), patienceMs);
  await Promise.all(closed);
  clearTimeout(tired);
  clearTimeout(giveUp);
}
