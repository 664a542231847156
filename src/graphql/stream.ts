import { createSourceEventStream, type ExecutionArgs, type GraphQLError } from 'graphql';
import type { MaskError } from './errors.ts';

/**
 * Opens a socket through the door in the context: runs the subscription's resolver, and no further, because the door
 * writes the signals. Returns what went wrong; nothing, when the socket is open.
 */
export async function enter(args: ExecutionArgs, mask: MaskError): Promise<readonly GraphQLError[]> {
  try {
    const stream = await createSourceEventStream(args);
    return 'errors' in stream ? (stream.errors ?? []).map(mask) : [];
  } catch (error) {
    return [mask(error)];
  }
}
