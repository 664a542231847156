import { parseArgs } from 'node:util';
import { benches, isBench } from './benches/table.ts';
import { writeReport } from './report/report.ts';
import type { Options } from './run/bench.ts';
import { measure } from './run/measure.ts';
import { endAll } from './run/processes.ts';
import { type SubjectName, subjectOf } from './subjects.ts';

/*
 * `npm run -s bench -- NAME [--quick]`: progress on stderr, the result as one line of JSON on stdout.
 */

const usage = `Usage: npm run -s bench -- NAME [--quick] [--repetitions=N] [--only=SUBJECT,…]
  NAME is one of ${Object.keys(benches).join(', ')}, or report: all of them, written to bench/REPORT.md.
  --quick         small sizes, one repetition
  --repetitions   how often everything is measured, in turn (5; with --quick 1)
  --only          only these subjects, and the bare loop
  report NAME …   measures these again and keeps the rest; report --resume keeps what was measured at this commit
  already; report --render writes the page again, unmeasured`;

process.on('exit', endAll);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

try {
  process.exitCode = await run();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
}
// A connection of a library may still be open; nothing of it matters any more.
process.exit();

async function run(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      repetitions: { type: 'string' },
      only: { type: 'string' },
      resume: { type: 'boolean', default: false },
      render: { type: 'boolean', default: false },
    },
  });
  const [name = '', ...names] = positionals;
  const options: Options = {
    quick: values.quick,
    repetitions: Number(values.repetitions ?? (values.quick ? 1 : 5)),
    only: values.only?.split(',').map((each) => subjectOf(each as SubjectName).name),
  };
  if (name === 'report' && names.every(isBench)) return writeReport(options, { ...values, names });
  if (!isBench(name) || names.length > 0) throw new Error(usage);
  const result = await measure(name, options);
  process.stdout.write(`${JSON.stringify(result)}\n`);
  return result.failures.length === 0 ? 0 : 1;
}
