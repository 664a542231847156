import { onTestFinished } from 'vitest';
import {
  type Call,
  type CallEvents,
  type ConnectOptions,
  connect,
  type Signal,
  type Signaling,
  type SignalingEvents,
  type StateChange,
} from '../../client/src/index.ts';
import { type Claims, tokenFor } from './service.ts';

/** The events of one kind in their order; the first arguments of each. */
export interface Inbox<Value> {
  /** The next one; waits for it, and fails loudly when none comes in 10 s. */
  next(): Promise<Value>;
  /** Takes them until one fits. */
  until(fits: (value: Value) => boolean): Promise<Value>;
  /** All that came. */
  readonly all: readonly Value[];
}

/** Begins to gather what is pushed. */
function gather<Value>(event: string, subscribe: (push: (value: Value) => void) => unknown): Inbox<Value> {
  const all: Value[] = [];
  let taken = 0;
  let wake = (): void => {};
  subscribe((value) => {
    all.push(value);
    wake();
  });

  async function next(): Promise<Value> {
    while (all.length <= taken) await more();
    return all[taken++] as Value;
  }

  function more(): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = new Error(`no \`${event}\` came within 10 s, after ${JSON.stringify(all)}`);
      const deadline = setTimeout(() => reject(late), 10_000);
      wake = () => {
        clearTimeout(deadline);
        resolve();
      };
    });
  }

  async function until(fits: (value: Value) => boolean): Promise<Value> {
    for (;;) {
      const value = await next();
      if (fits(value)) return value;
    }
  }

  return { next, until, all };
}

/** Events of a call. */
export function onCall<Event extends keyof CallEvents>(
  call: Call,
  event: Event,
): Inbox<CallEvents[Event][0]> {
  return gather(event, (push) => call.on(event, (...args) => push(args[0])));
}

/** Somebody's client, and what it told so far. */
export interface Member {
  readonly uid: string;
  readonly signaling: Signaling;
  readonly states: Inbox<StateChange>;
  readonly signals: Inbox<Signal>;
  /** How often a token was asked for, and why. */
  readonly tokens: readonly { rejected: boolean }[];
  /** What its handlers and its background complained of. */
  readonly errors: readonly unknown[];
  on<Event extends keyof SignalingEvents>(event: Event): Inbox<SignalingEvents[Event][0]>;
  /** Waits for a state. */
  until(state: StateChange['state']): Promise<StateChange>;
}

export interface MemberOptions extends Partial<ConnectOptions> {
  readonly claims?: Claims;
}

/** Connects as a user of the hub `team`; it is closed when the test has finished. */
export function member(url: string, uid: string, { claims = {}, ...options }: MemberOptions = {}): Member {
  const tokens: { rejected: boolean }[] = [];
  const signaling = connect({
    url,
    getToken: (why) => {
      tokens.push(why);
      return tokenFor(uid, claims);
    },
    hubId: 'team',
    retry: { firstMs: 20, mostMs: 200 },
    ...options,
  });
  onTestFinished(() => signaling.close());
  const errors: unknown[] = [];
  signaling.on('error', (error) => errors.push(error));
  const on = <Event extends keyof SignalingEvents>(event: Event): Inbox<SignalingEvents[Event][0]> =>
    gather(event, (push) => signaling.on(event, (...args) => push(args[0])));
  const states = on('state');
  return {
    uid,
    signaling,
    states,
    signals: on('signal'),
    tokens,
    errors,
    on,
    until: (state) => states.until((change) => change.state === state),
  };
}

/** The same, once it is connected. */
export async function joined(url: string, uid: string, options: MemberOptions = {}): Promise<Member> {
  const joining = member(url, uid, options);
  await joining.signaling.ready();
  return joining;
}
