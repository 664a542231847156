import { spawn } from 'node:child_process';
import process from 'node:process';
import { parseArgs } from 'node:util';

/*
 * The model test of calls in its long form, `npm run -s model`; or one run of it that failed:
 * `npm run -s model -- --engine=memory --seed=1 --path=2:3`.
 */

const { values } = parseArgs({
  options: {
    /** On memory; on Redis it is a tenth. */
    runs: { type: 'string', default: '10000' },
    engine: { type: 'string' },
    seed: { type: 'string' },
    path: { type: 'string' },
  },
});

const given = Object.entries({
  MODEL_RUNS: values.runs,
  MODEL_ENGINE: values.engine,
  MODEL_SEED: values.seed,
  MODEL_PATH: values.path,
}).filter(([, value]) => value !== undefined);

const vitest = spawn('vitest', ['run', 'test/calls.model.test.ts'], {
  stdio: 'inherit',
  env: { ...process.env, ...Object.fromEntries(given) },
});
vitest.on('exit', (code) => {
  process.exitCode = code ?? 1;
});
