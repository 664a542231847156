import { type Profiler, Session } from 'node:inspector/promises';

/** How often V8 looks at what runs, in microseconds. */
const intervalUs = 200;

/** V8's name for time in which nothing ran. */
const idle = '(idle)';

const root = new URL('../', import.meta.url).href;

/** A function, or what V8 writes in parentheses, and the time that was spent in it and in nothing it called. */
export interface Place {
  /** `function file:line`; of native code the name alone. */
  readonly place: string;
  readonly selfUs: number;
}

/** Samples what this process runs until the returned function is called; that tells where its busy time went. */
export async function startProfile(): Promise<() => Promise<Place[]>> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: intervalUs });
  await session.post('Profiler.start');
  return async () => {
    const { profile } = await session.post('Profiler.stop');
    session.disconnect();
    return placesOf(profile);
  };
}

/** The most expensive first. */
function placesOf({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): Place[] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const spent = new Map<string, number>();
  for (const [i, id] of samples.entries()) {
    const place = names.get(id) ?? '';
    // A sample stands for the time until the next one.
    if (place !== idle) spent.set(place, (spent.get(place) ?? 0) + (timeDeltas[i + 1] ?? 0));
  }
  const places = [...spent].map(([place, selfUs]) => ({ place, selfUs }));
  return places.sort((a, b) => b.selfUs - a.selfUs);
}

function nameOf({ functionName, url, lineNumber }: Profiler.Profile['nodes'][number]['callFrame']): string {
  const name = functionName || '(anonymous)';
  if (!url) return name;
  const file = url.startsWith(root) ? url.slice(root.length) : url;
  return `${name} ${file.replace(/^.*node_modules\//, '')}:${lineNumber + 1}`;
}
