import { randomUUID } from 'node:crypto';
import { vi } from 'vitest';
import { as, data, documents, post } from './api.ts';
import { type Listener, type ListenOptions, listen, type Received } from './listen.ts';
import { type Claims, tokenFor } from './service.ts';

/** A socket of a person's, which can also tell what did not come. */
export interface PersonalListener extends Listener {
  /**
   * Takes everything that came before now. Sends the socket a message and waits for it: order is kept, so what is not
   * among the answer did not come.
   */
  heard(): Promise<Received[]>;
  /** Leaves, and waits until the service has noticed. */
  leave(): Promise<void>;
}

export type Person = Awaited<ReturnType<typeof person>>;

/** A user on one node, with a token of the given claims: what they do in the context of the hub `team`, and how they listen. */
export async function person(url: string, uid: string, claims: Claims = {}) {
  const token = await tokenFor(uid, claims);

  /** Sends one of the three mutations that must be refused; resolves with the refusal. */
  async function refused(mutation: keyof typeof documents, input: object, hubId = 'team') {
    const { errors = [] } = await post(url, token, documents[mutation], { hubId, input });
    if (errors.length !== 1) throw new Error(`${mutation} was not refused: ${JSON.stringify(errors)}`);
    return { message: errors[0]?.message, ...errors[0]?.extensions } as Record<string, unknown>;
  }

  async function open(options: ListenOptions = {}): Promise<PersonalListener> {
    const listener = await listen(url, token, options);

    async function heard(): Promise<Received[]> {
      const type = randomUUID();
      const target = { socketId: listener.ready.socketId };
      await as(url, token, listener.ready.hubIds[0]).message({ target, type });
      const signals = [await listener.next()];
      while (signals.at(-1).type !== type) signals.push(await listener.next());
      return signals.slice(0, -1);
    }

    async function leave(): Promise<void> {
      listener.close();
      const origin = { socketId: listener.ready.socketId };
      // Nobody may send from a socket that is not open.
      await vi.waitFor(() =>
        refused('message', { target: { uid: 'nobody' }, origin }, listener.ready.hubIds[0]),
      );
    }

    return { ...listener, heard, leave };
  }

  return {
    uid,
    token,
    ...as(url, token),
    in: (hubId: string) => as(url, token, hubId),
    ask: (query: string, variables?: object) => data(url, token, query, variables),
    refused,
    open,
  };
}

/** The ids of signals, to be compared with the answers of those who sent them. */
export function idsOf(signals: readonly Received[]): string[] {
  return signals.map(({ id }) => id);
}
