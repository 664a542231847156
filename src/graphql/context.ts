import type { Caller, Identity } from '../signaling/caller.ts';
import { SignalingError } from '../signaling/errors.ts';
import type { Signaling } from '../signaling/signaling.ts';
import type { Sink, Socket } from '../signaling/socket.ts';
import type { Authenticate } from './auth.ts';
import type { Service } from './generated.ts';
import type { Resume } from './resume.ts';

/** What resolvers get: the domain, and who asks. */
export interface Context {
  readonly signaling: Signaling;
  readonly service: Service;
  /** Who the token names. Throws UNAUTHENTICATED without one, or with one that is not accepted. */
  identity(): Identity;
  /** The same, with what is known about them now. Read once per operation. */
  caller(): Promise<Caller>;
  /** Who another token names. Throws UNAUTHENTICATED. */
  readonly authenticate: Authenticate;
  /** From now on, this connection's operations go by another token. */
  renew(token: string): void;
  /** Set on subscriptions: the transport's end of the socket to be opened. */
  readonly door: Door | undefined;
}

/** One end of a transport, through which a socket is opened. */
export interface Door {
  readonly sink: Sink;
  /** Wins over the arguments of the subscription. */
  readonly resume: Resume;
  /** Called once, with the open socket. */
  opened(socket: Socket): void;
}

export interface ContextParts {
  readonly signaling: Signaling;
  readonly service: Service;
  readonly authenticate: Authenticate;
}

/** What a transport of our own brings. */
export interface Transport {
  readonly door?: Door | undefined;
  /** Who asks, where it is known without a token: by a ticket. */
  readonly known?: Identity | SignalingError | undefined;
  readonly renew?: ((token: string) => void) | undefined;
}

/** A context for one operation. A token that is not accepted is refused where a field needs it, not before. */
export async function createContext(
  parts: ContextParts,
  token: string | undefined,
  { door, known: given, renew }: Transport = {},
): Promise<Context> {
  const { signaling, service } = parts;
  const identity = given ?? (await identify(parts.authenticate, token));
  let caller: Promise<Caller> | undefined;

  function known(): Identity {
    if (identity instanceof SignalingError) throw identity;
    return identity;
  }

  return {
    signaling,
    service,
    door,
    authenticate: parts.authenticate,
    renew: renew ?? (() => {}),
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
