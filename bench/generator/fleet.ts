import { setTimeout as delay } from 'node:timers/promises';
import { nowUs } from '../clock.ts';
import type { Joined, JoinPlan } from './api.ts';
import { Connection, type Endpoint } from './connection.ts';
import type { Dialect, Member } from './dialects/dialect.ts';
import { dialects } from './dialects/table.ts';
import type { Meter } from './meter.ts';

/** One source address has about 28,000 ports; beyond this many sockets the next address is used. */
const socketsPerAddress = 20_000;

/** How long all sockets together may take to open. */
const patienceMs = 240_000;

/** The open sockets of a generator. */
export class Fleet {
  readonly connections: Connection[] = [];
  private readonly plan: JoinPlan;
  private readonly dialect: Dialect;
  private readonly meter: Meter;

  constructor(plan: JoinPlan, meter: Meter) {
    this.plan = plan;
    this.dialect = dialects[plan.dialect];
    this.meter = meter;
  }

  /** Opens them, so many at a time. Throws when one is refused. */
  async join(): Promise<Joined> {
    const began = nowUs();
    const { inFlight, forSeconds = Number.POSITIVE_INFINITY } = this.plan;
    const enough = began + forSeconds * 1e6;
    const lanes = Array.from({ length: inFlight }, () => this.openInTurn(enough));
    await within(patienceMs, Promise.all(lanes));
    return { opened: this.connections.length, seconds: (nowUs() - began) / 1e6 };
  }

  private async openInTurn(enough: number): Promise<void> {
    while (this.connections.length < this.plan.sockets && nowUs() < enough) {
      const index = this.connections.length;
      const connection = new Connection(
        this.endpoint(index),
        this.dialect,
        memberOf(this.plan, index),
        this.meter,
      );
      this.connections.push(connection);
      await connection.open;
    }
  }

  private endpoint(index: number): Endpoint {
    const { hostname, port } = new URL(this.plan.urls[index % this.plan.urls.length] ?? '');
    const address = Math.floor(index / socketsPerAddress);
    return {
      host: hostname,
      port: Number(port),
      ...(address > 0 && { localAddress: `127.0.0.${address + 1}` }),
    };
  }
}

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const late = delay(ms, 'late', { ref: false });
  if ((await Promise.race([work, late])) === 'late') throw new Error('The sockets did not open in time.');
}

/** The user and device of a socket, by its place in the plan. */
export function memberOf({ hubId, devicesPerUser, operations }: JoinPlan, index: number): Member {
  return {
    uid: uidOf(hubId, Math.floor(index / devicesPerUser)),
    deviceId: `${hubId}-device-${index}`,
    hubId,
    operation: index % operations,
  };
}

export function uidOf(hubId: string, user: number): string {
  return `${hubId}-user-${user}`;
}
