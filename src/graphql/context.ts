import type { Caller, Identity } from '../signaling/caller.ts';
import { SignalingError } from '../signaling/errors.ts';
import type { Signaling } from '../signaling/signaling.ts';
import type { Sink, Socket } from '../signaling/socket.ts';
import type { Authenticate } from './auth.ts';
import type { Service } from './generated.ts';

/** What resolvers get: the domain, and who asks. */
export interface Context {
  readonly signaling: Signaling;
  readonly service: Service;
  /** Who the token names. Throws UNAUTHENTICATED without one, or with one that is not accepted. */
  identity(): Identity;
  /** The same, with what is known about them now. Read once per operation. */
  caller(): Promise<Caller>;
  /** Set on subscriptions: the transport's end of the socket to be opened. */
  readonly door: Door | undefined;
}

/** One end of a transport, through which a socket is opened. */
export interface Door {
  readonly sink: Sink;
  /** Called once, with the open socket. */
  opened(socket: Socket): void;
}

export interface ContextParts {
  readonly signaling: Signaling;
  readonly service: Service;
  readonly authenticate: Authenticate;
}

/** A context for one operation. A token that is not accepted is refused where a field needs it, not before. */
export async function createContext(
  parts: ContextParts,
  token: string | undefined,
  door?: Door,
): Promise<Context> {
  const { signaling, service } = parts;
  const identity = await identify(parts.authenticate, token);
  let caller: Promise<Caller> | undefined;

  function known(): Identity {
    if (identity instanceof SignalingError) throw identity;
    return identity;
  }

  return {
    signaling,
    service,
    door,
    identity: known,
    caller: () => {
      caller ??= signaling.caller(known());
      return caller;
    },
  };
}

async function identify(
  authenticate: Authenticate,
  token: string | undefined,
): Promise<Identity | SignalingError> {
  if (!token) return new SignalingError('UNAUTHENTICATED', 'Send a token: `Authorization: Bearer …`.');
  try {
    return await authenticate(token);
  } catch (error) {
    if (error instanceof SignalingError) return error;
    throw error;
  }
}
