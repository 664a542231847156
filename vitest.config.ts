import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// Each suite is a process, and so is each node that one starts: what V8 has compiled once, the next ones find.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('node_modules/.cache/v8', import.meta.url));

/** Suites that take long for what they show every day: `npm run test:long`, which CI runs, or by their names. */
const long = [
  'test/caller-lost.test.ts',
  'test/calls.model.test.ts',
  'test/candidates.test.ts',
  'test/client-call.test.ts',
  'test/client-chaos.test.ts',
  'test/client-negotiate.test.ts',
  'test/client-package.test.ts',
  'test/client.test.ts',
  'test/docs.test.ts',
  'test/drain.test.ts',
  'test/failover.test.ts',
  'test/races.test.ts',
  'test/redis-forms.test.ts',
  'test/turn.test.ts',
];
const isLong = process.env['SUITES'] === 'long';
const isNamed = process.argv.slice(2).some((word) => word.startsWith('test/'));

export default defineConfig({
  test: {
    include: isLong ? long : ['test/**/*.test.ts'],
    // Those have a configuration of their own: vitest.browser.config.ts.
    exclude: ['test/browser/**', ...(isLong || isNamed ? [] : long)],
    globalSetup: 'test/support/global-setup.ts',
    // Node runs the sources as in production. Vite's own module loader would load a second copy of graphql.
    experimental: { viteModuleRunner: false },
    // A process for each file: suites start servers, and count their own timers and connections.
    pool: 'forks',
    // They wait for sockets a third of the time: one more than there are cores keeps these busy.
    maxWorkers: 1 + availableParallelism(),
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // The report is what .ci/run counts.
    reporters: ['default', 'json'],
    outputFile: { json: `node_modules/.cache/vitest/${isLong ? 'long-' : ''}report.json` },
  },
});
