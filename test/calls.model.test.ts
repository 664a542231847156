import process from 'node:process';
import fc from 'fast-check';
import { describe, expect, inject, test } from 'vitest';
import { type Ran, runModel } from './support/call-model.ts';
import { type Scenario, scenario } from './support/model-commands.ts';
import { known } from './support/model-known.ts';
import { type EngineName, engines } from './support/service.ts';

/*
 * Random interleavings of everything that can happen to calls. The everyday suite runs some hundreds of them;
 * `npm run -s model` runs 10,000 on memory and 1,000 on Redis. A failure tells the command that repeats it.
 */

const { MODEL_ENGINE, MODEL_RUNS, MODEL_SEED, MODEL_PATH } = process.env;

/** How many runs. On Redis each takes ten times as long. */
const runs: Record<EngineName, number> = MODEL_RUNS
  ? { memory: Number(MODEL_RUNS), redis: Math.ceil(Number(MODEL_RUNS) / 10) }
  : { memory: 250, redis: 30 };

/** How long to look for a shorter run that fails too, in milliseconds. */
const shrinkMs = 60_000;

const wanted = engines.filter((engine) => (MODEL_ENGINE ?? engine) === engine);

describe.each(wanted)('on %s', (engine) => {
  test('a call has one winner and an end, whatever happens at the same time', {
    timeout: 60_000 + 1000 * runs[engine],
  }, async () => {
    const { redisUrl, count, counted } = { redisUrl: inject('redisUrl'), ...createCount() };
    let failedAt = Number.POSITIVE_INFINITY;

    const property = fc.asyncProperty(scenario, async (each: Scenario) => {
      if (Date.now() > failedAt + shrinkMs) return;
      try {
        count(await runModel({ engine, redisUrl }, each));
      } catch (error) {
        failedAt = Math.min(failedAt, Date.now());
        throw error;
      }
    });
    const details = await fc.check(property, {
      numRuns: runs[engine],
      examples: known.map((each) => [each]),
      ...(MODEL_SEED && { seed: Number(MODEL_SEED) }),
      ...(MODEL_PATH && { path: MODEL_PATH, endOnFailure: true }),
    });

    if (details.failed) throw new Error(report(engine, details));
    if (MODEL_RUNS) console.info(`${engine}: ${JSON.stringify(counted)}`);
    if (!MODEL_PATH) expect(counted).toMatchObject(happens);
  });
});

const some: unknown = expect.toSatisfy((times: number) => times > 0);
const few = ['CONFLICT', 'Accepted', 'CallEnded', 'NO_ANSWER'];
const many = [
  ...few,
  'AnsweredElsewhere',
  'merged',
  'moved',
  'CANCELLED',
  'DECLINED',
  'BUSY',
  'HANGUP',
  'UNREACHABLE',
  'CALLER_LOST',
  'CONNECTION_LOST',
  'EXPIRED',
];

/** What must have happened at least once, lest a model that never meets itself should show anything. */
const happens = Object.fromEntries((MODEL_RUNS ? many : few).map((what) => [what, some]));

/** What all runs came to. */
function createCount() {
  const counted: Record<string, number> = { runs: 0, calls: 0, turns: 0 };
  const add = (what: string, times: number): void => {
    counted[what] = (counted[what] ?? 0) + times;
  };
  const count = ({ calls, turns, tally }: Ran): void => {
    for (const [what, times] of [['runs', 1], ['calls', calls], ['turns', turns], ...tally] as const)
      add(what, times);
  };
  return { count, counted };
}

function report(engine: EngineName, details: fc.RunDetails<[Scenario]>): string {
  const { seed, counterexamplePath, errorInstance } = details;
  const again = `npm run -s model -- --engine=${engine} --seed=${seed} --path=${counterexamplePath}`;
  return `${errorInstance}\n\nThe same again: ${again}\n`;
}
