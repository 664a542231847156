import { type Cell, interleave, type Options, type Outcome } from '../run/bench.ts';
import type { Sample } from '../run/figures.ts';
import { fits } from '../run/fits.ts';
import { expectWhole } from '../run/latency.ts';
import { startStage } from '../run/stage.ts';
import type { SubjectName } from '../subjects.ts';
import { type Hub, leadInSeconds, readyHub, scheduleFor, single } from './hub.ts';

/*
 * Which line of a server costs what while a hub receives one signal after the other. Looking costs something, too: the sum is
 * more than what `fanout` measures.
 */

const subjects: readonly SubjectName[] = ['bare', 'ours-ws', 'ours-sse'];

/** So many places are told apart; all others are one. */
const mostPlaces = 14;

export const elsewhere = 'everything else';

export function profile(options: Options): Promise<Outcome> {
  const sizes = (options.quick ? [1000] : [1000, 10_000]).filter(fits);
  const seconds = options.quick ? 3 : 20;
  const hubs = sizes.flatMap((sockets) =>
    subjects.map((subject): Hub => ({ subject, sockets, operations: 1, shapes: [single], seconds })),
  );
  return interleave(hubs.map(cellOf), options);
}

function cellOf(hub: Hub): Cell {
  const { subject, sockets } = hub;
  // Flat profiles of several runs have no median: what is told apart differs.
  return { subject, label: `a hub of ${sockets}`, mostRepetitions: 1, measure: () => measure(hub) };
}

async function measure(hub: Hub): Promise<Sample[]> {
  const { subject, sockets, seconds } = hub;
  const stage = await startStage(subject, { peersPing: false });
  try {
    const { load } = await readyHub(hub, stage);
    await load.run(scheduleFor(hub, single, leadInSeconds));
    for (const { probe } of stage.servers) await probe.profile(null);
    const flow = await load.run(scheduleFor(hub, single, seconds));
    const places = (await Promise.all(stage.servers.map(({ probe }) => probe.profiled(null)))).flat();
    expectWhole(flow);
    const rest = places.slice(mostPlaces).reduce((sum, { selfUs }) => sum + selfUs, 0);
    return [...places.slice(0, mostPlaces), { place: elsewhere, selfUs: rest }].map(({ place, selfUs }) => ({
      subject,
      repetition: 1,
      scenario: { sockets, place },
      values: { selfUs: selfUs / flow.delivered },
    }));
  } finally {
    await stage.stop();
  }
}
