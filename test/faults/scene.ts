import { tokenFor } from '../../bench/token.ts';
import { Checker } from './checker.ts';
import type { Figures, Outcome, Run } from './fault.ts';
import { type Installation, startInstallation } from './installation.ts';
import { type Load, type LoadOptions, startLoad } from './load.ts';
import { createPeople, hubId, type People } from './people.ts';
import { comesAbout, until } from './wait.ts';

/** An installation with people who talk to each other, and someone who counts. */
export interface Scene {
  readonly checker: Checker;
  readonly people: People;
  readonly installation: Installation;
  readonly load: Load;
  /** Milliseconds from now until everyone got something that was sent after now; null when that takes longer. */
  deliveredMs(patienceMs: number): Promise<number | null>;
  /** Milliseconds from now until the registry knows so many sockets again; null when that takes longer. */
  presentMs(patienceMs: number): Promise<number | null>;
  /** Ends the load, waits for what is due, and counts. */
  finish(limits: Outcome['limits'], figures?: Figures): Promise<Outcome>;
}

export interface SceneOptions extends Partial<Pick<LoadOptions, 'perSecond' | 'beatMs' | 'ringsPerSecond'>> {
  readonly redisUrl: string;
  readonly nodes?: number;
  readonly clients?: number;
  readonly env?: NodeJS.ProcessEnv;
  /** How long a client repeats what it sends, in milliseconds. */
  readonly timeoutMs?: number;
  /** Where each client connects; the balancer unless given. */
  readonly urlOf?: (installation: Installation, index: number) => string | Promise<string>;
}

/** How long all that is due may take to come when everything is well again, in milliseconds. */
const settlingMs = 15_000;

export async function startScene(run: Run, options: SceneOptions): Promise<Scene> {
  const { redisUrl, nodes = 2, clients = 40, env = {}, timeoutMs = 5000 } = options;
  const installation = await startInstallation(run, { nodes, redisUrl, env });
  const checker = new Checker();
  const people = createPeople(run, checker, { timeoutMs });
  const { urlOf = ({ url }: Installation) => url } = options;
  const urls = await Promise.all(Array.from({ length: clients }, (_, i) => urlOf(installation, i)));
  await people.open(clients, (i) => urls[i] ?? '');
  run.note(`${clients} clients on ${nodes} nodes`);
  const { perSecond = 50, beatMs = 50, ringsPerSecond = 0 } = options;
  const load = startLoad(run, { people, checker, url: installation.url, perSecond, beatMs, ringsPerSecond });

  async function deliveredMs(patienceMs: number): Promise<number | null> {
    const from = performance.now();
    const waiting = new Set(people.all.map(({ uid }) => uid));
    checker.watch((uid, sentAt) => {
      if (sentAt >= from) waiting.delete(uid);
    });
    const came = await comesAbout(patienceMs, () => waiting.size === 0, 5);
    checker.watch(undefined);
    return came ? Math.round(performance.now() - from) : null;
  }

  async function presentMs(patienceMs: number): Promise<number | null> {
    const from = performance.now();
    const came = await comesAbout(
      patienceMs,
      async () => (await present(installation.url, people)) === people.all.length,
      25,
    );
    return came ? Math.round(performance.now() - from) : null;
  }

  async function finish(limits: Outcome['limits'], figures: Figures = {}): Promise<Outcome> {
    await load.stop();
    run.note('the load has ended');
    await until('every client to be back', 40_000, () => people.live() === people.all.length).catch(
      (error: unknown) => run.note(String(error)),
    );
    await comesAbout(settlingMs, () => checker.missing() === 0);
    for (const example of [...checker.examples, ...checker.lost()]) run.note(example);
    if (load.refusals.size > 0) run.note(`refused: ${JSON.stringify(Object.fromEntries(load.refusals))}`);
    if (people.told.size > 0) run.note(`not recovered: ${JSON.stringify(Object.fromEntries(people.told))}`);
    if (people.closings.size > 0)
      run.note(`closings: ${JSON.stringify(Object.fromEntries(people.closings))}`);
    return {
      nodes,
      clients,
      counts: checker.counts(),
      figures: {
        gapMs: checker.gapMs(),
        crashes: installation.crashes(),
        closed: people.closed(),
        numbersReused: people.reused(),
        away: people.all.length - people.live(),
        ...figures,
      },
      limits: { crashes: 0, away: 0, numbersReused: 0, ...limits },
    };
  }

  // Everyone has heard of everyone before anything goes wrong.
  const scene = { checker, people, installation, load, deliveredMs, presentMs, finish };
  if (beatMs > 0 && (await deliveredMs(10_000)) === null)
    throw new Error('The service does not deliver as it is.');
  people.forgive();
  checker.beginGap();
  return scene;
}

/** How many sockets of the hub the registry knows, as a notification is answered; 0 when it is refused. */
async function present(url: string, { all: [person] }: People): Promise<number> {
  const query = `mutation ($hubId: ID!, $input: NotifyInput!) { notify(hubId: $hubId, input: $input) { hubs { sockets } } }`;
  const input = { recipients: [hubId], socketId: person?.signaling.socketId, type: 'present' };
  try {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${tokenFor(person?.uid ?? '', hubId)}`,
      },
      body: JSON.stringify({ query, variables: { hubId, input } }),
      signal: AbortSignal.timeout(1000),
    });
    const { data } = (await response.json()) as { data?: { notify?: { hubs: { sockets: number }[] } } };
    return data?.notify?.hubs[0]?.sockets ?? 0;
  } catch {
    return 0;
  }
}
