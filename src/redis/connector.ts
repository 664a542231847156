import { connect as connectTcp, Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AbstractConnector } from 'ioredis';
import type { Host } from '../redis-address.ts';
import type { FindPrimary } from './primary.ts';

/** A server, as it says itself when a connection to it is made. */
export interface Server {
  /** Changes whenever the process does. */
  readonly run: string;
  readonly at: Host;
}

/** How long a connection that is given up may take to end, in milliseconds: a server that hangs ends none. */
const endMs = 100;

/**
 * For ioredis' option `Connector`: looks for the primary each time it connects, and takes nobody else for it. `tell` is
 * called with the server before the connection is ready.
 */
export function connectorTo(findPrimary: FindPrimary, isTls: boolean, tell: (server: Server) => void) {
  return class extends AbstractConnector {
    #at: Host | undefined;
    #fail = (_error: Error): void => {};

    constructor() {
      super(endMs);
    }

    /** Never rejects: ioredis would not try again. A connection that has ended already counts as a failed attempt. */
    override async connect(emit: (type: string, error: Error) => void): Promise<Socket> {
      this.connecting = true;
      this.#fail = (error) => emit('error', error);
      this.stream = await this.#open();
      this.stream.once('error', (error) => {
        this.firstError = error;
      });
      return this.stream;
    }

    async #open(): Promise<Socket> {
      try {
        this.#at = await findPrimary();
        if (!this.connecting) throw new Error('the connection was given up');
        return isTls ? connectTls(this.#at) : connectTcp(this.#at);
      } catch (error) {
        this.firstError = error as Error;
        return new Socket().destroy();
      }
    }

    override check({ run_id: run, role }: Partial<Record<string, string>>): boolean {
      if (run && role === 'master' && this.#at) {
        tell({ run, at: this.#at });
        return true;
      }
      this.#fail(new Error(run ? 'this server is a replica' : 'the server does not say who it is (INFO)'));
      return false;
    }
  };
}
