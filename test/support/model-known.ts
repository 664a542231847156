import type { Command, Scenario } from './model-commands.ts';

/*
 * Runs that failed once. They are so rare that chance finds them in one of thousands, so each is run every time. The
 * first user is alice, the second bob; their first device is the phone.
 */

const dial: Command = {
  kind: 'dial',
  from: 0,
  to: 1,
  device: 0,
  ringSeconds: 10,
  isKeyed: false,
  node: 0,
  turns: 30,
};

const bobAccepts = (node: number, turns: number): Command => ({
  kind: 'accept',
  call: 0,
  side: 'callee',
  device: 0,
  former: false,
  everywhere: false,
  other: false,
  node,
  turns,
});

const stall: Command = { kind: 'stall', for: 100, node: 1, turns: 0 };

const run = (...commands: Command[]): Scenario => ({ commands, order: [], rejectsWhenBusy: false });

export const known: readonly Scenario[] = [
  // An answer was decided in time, the time was over, the caller dialled again: then the answer was committed.
  run(
    dial,
    { kind: 'advance', ms: 9999, node: 0, turns: 30 },
    bobAccepts(1, 2),
    stall,
    { kind: 'advance', ms: 1, node: 0, turns: 0 },
    dial,
  ),
  // While an answer was on its way, the device came back with another socket, and that one answered.
  run(
    dial,
    bobAccepts(1, 1),
    stall,
    { kind: 'connect', user: 1, device: 0, resumes: false, node: 0, turns: 30 },
    bobAccepts(0, 30),
  ),
];
