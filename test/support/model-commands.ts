import fc from 'fast-check';

/** What happens in a run. Numbers choose among what there is when it happens. */
export type Command = Which & {
  /** The node that is asked. */
  readonly node: number;
  /** How many steps are let go after it has begun. */
  readonly turns: number;
};

type Which =
  | {
      readonly kind: 'dial';
      readonly from: number;
      /** 1 or 2 users further. */
      readonly to: number;
      readonly device: number;
      readonly ringSeconds: number;
      readonly isKeyed: boolean;
    }
  /** A dial again, with its idempotency key. */
  | { readonly kind: 'redial'; readonly dial: number }
  | {
      readonly kind: 'acknowledgeRing' | 'accept' | 'decline' | 'hangUp';
      readonly call: number;
      readonly side: Side;
      readonly device: number;
      /** With a socket that the device had before its newest. */
      readonly former: boolean;
      /** Without a socket, where that is possible. */
      readonly everywhere: boolean;
      readonly other: boolean;
    }
  | {
      readonly kind: 'say';
      readonly word: string;
      readonly call: number;
      readonly side: Side;
      readonly device: number;
      readonly namesCall: boolean;
      readonly namesSocket: boolean;
      readonly toSocket: boolean;
    }
  | { readonly kind: 'connect'; readonly user: number; readonly device: number; readonly resumes: boolean }
  | { readonly kind: 'leave' | 'closed'; readonly socket: number }
  | { readonly kind: 'advance'; readonly ms: number }
  /** To the next moment at which a call's time is over, if that is near. */
  | { readonly kind: 'deadline' }
  /** `after` its next step at the store, which nobody hears of. */
  | { readonly kind: 'die'; readonly after: boolean }
  /** The node is slow: what it has begun waits while others go on. */
  | { readonly kind: 'stall'; readonly for: number }
  | { readonly kind: 'rest' };

export type Side = 'caller' | 'callee' | 'other';

export const userCount = 3;
export const devicesPerUser = 3;

const user = fc.constantFrom(0, 1, 0, 1, 0, 1, 2);
const device = fc.constantFrom(0, 0, 0, 1, 1, 2);
/** From the newest backwards. */
const call = fc.constantFrom(0, 0, 0, 1);
const side = (most: Side) =>
  fc.constantFrom<Side>(most, most, most, most, most, most, 'callee', 'caller', 'other');
const seldom = fc.constantFrom(false, false, false, true);

const words = ['pickup', 'accept', 'answer', 'reject', 'busy', 'cancel', 'leave', 'offer', 'candidate'];

const second = 1000;
const minute = 60 * second;
const moments = [
  1,
  250,
  500,
  1 * second,
  3 * second,
  5 * second,
  10 * second,
  12 * second,
  31 * second,
  61 * second,
  3 * minute,
  31 * minute,
  24 * 60 * minute,
];

const which: fc.Arbitrary<Which> = fc.oneof(
  {
    weight: 7,
    arbitrary: fc.record({
      kind: fc.constant('dial'),
      from: user,
      to: fc.constantFrom(1, 2),
      device,
      ringSeconds: fc.constantFrom(10, 10, 60, 120),
      isKeyed: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('redial'), dial: fc.nat(2) }) },
  ...(
    [
      ['accept', 9, 'callee'],
      ['acknowledgeRing', 2, 'callee'],
      ['decline', 3, 'callee'],
      ['hangUp', 3, 'caller'],
    ] as const
  ).map(([kind, weight, most]) => ({
    weight,
    arbitrary: fc.record({
      kind: fc.constant(kind),
      call,
      side: side(most),
      device,
      former: seldom,
      everywhere: seldom,
      other: fc.boolean(),
    }),
  })),
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('say'),
      word: fc.constantFrom(...words),
      call,
      side: side('callee'),
      device,
      namesCall: fc.boolean(),
      namesSocket: fc.boolean(),
      toSocket: seldom,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('connect'), user, device, resumes: fc.boolean() }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constantFrom('leave', 'leave', 'closed'), socket: fc.nat(5) }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('advance'), ms: fc.constantFrom(...moments) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('deadline') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('die'), after: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('stall'), for: fc.constantFrom(10, 20, 40) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('rest') }) },
);

const command: fc.Arbitrary<Command> = fc
  .tuple(which, fc.nat(2), fc.constantFrom(0, 0, 1, 2, 3, 4, 6, 10, 30))
  .map(([chosen, node, turns]) => ({ ...chosen, node, turns }));

/** One run: what happens, and who is let go in each turn. */
export interface Scenario {
  readonly commands: readonly Command[];
  readonly order: readonly number[];
  /** The second user does not want to be rung during a call. */
  readonly rejectsWhenBusy: boolean;
}

export const scenario: fc.Arbitrary<Scenario> = fc.record({
  commands: fc.array(command, { minLength: 1, maxLength: 40, size: 'max' }),
  order: fc.array(fc.nat(6), { maxLength: 300, size: 'max' }),
  rejectsWhenBusy: seldom,
});
