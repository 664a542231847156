import { onTestFinished } from 'vitest';
import { type ChaosProxy, openProxy } from './proxy.ts';

/** Starts forwarding to a port of this machine; stops when the test has finished. */
export async function startChaosProxy(upstream: number): Promise<ChaosProxy> {
  const proxy = await openProxy(upstream);
  onTestFinished(proxy.stop);
  return proxy;
}
