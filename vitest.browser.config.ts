import { defineConfig } from 'vitest/config';
import everyday from './vitest.config.ts';

/** The suites that drive a browser: `npm run test:browser`. */
export default defineConfig({
  test: {
    ...everyday.test,
    include: ['test/browser/**/*.test.ts'],
    exclude: [],
    // Two pages in a call encode and decode video in software: one such call at a time.
    fileParallelism: false,
    // One process, and with it one Chromium, for all of them.
    isolate: false,
    testTimeout: 90_000,
    hookTimeout: 60_000,
    outputFile: { json: 'node_modules/.cache/vitest/browser-report.json' },
  },
});
