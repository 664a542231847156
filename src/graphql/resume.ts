import type { IncomingHttpHeaders } from 'node:http';
import type { ReservedSocket } from '../signaling/resume.ts';
import type { Redeemed } from '../signaling/ticket.ts';

/** Where a connection itself says that its socket goes on: in the place of the arguments of `incomingSignal`. */
export interface Resume {
  readonly after?: string;
  readonly resumeToken?: string;
  /** By a ticket. */
  readonly reserved?: ReservedSocket;
  readonly deviceId?: string;
}

export const noResume: Resume = {};

/** What `connection_init` says. Clients fill it in anew for each connection, and repeat the variables of their first. */
export function resumeOfParams({ after, resumeToken }: Readonly<Record<string, unknown>> = {}): Resume {
  // What is no text is refused like other text that makes no sense.
  return {
    ...(isGiven(after) && { after: String(after) }),
    ...(isGiven(resumeToken) && { resumeToken: String(resumeToken) }),
  };
}

/** What a browser's `EventSource` says when it comes back: the last `id` it saw. */
export function resumeOfHeaders(headers: IncomingHttpHeaders): Resume {
  const after = headers['last-event-id'];
  return after ? { after: String(after) } : noResume;
}

/** What a ticket says: the socket that it stands for, whatever the arguments are. */
export function resumeOfTicket({ deviceId, socket }: Redeemed): Resume {
  return { reserved: socket, ...(deviceId !== null && { deviceId }) };
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}
