import { churn } from './churn.ts';
import { clusterKill, clusterReshardOthers, clusterReshardOurs } from './cluster.ts';
import type { Fault } from './fault.ts';
import { halfOpen } from './half-open.ts';
import { nodeKill } from './node-kill.ts';
import { nodeStop } from './node-stop.ts';
import { reconnects } from './reconnects.ts';
import { redisAway } from './redis-away.ts';
import { redisRestart } from './redis-restart.ts';
import { flushall, garbage, outOfMemory, pubsubKill, readOnly } from './redis-trouble.ts';
import { rollingRestart } from './rolling-restart.ts';
import { sentinelFailover, sentinelHang, sentinelKill } from './sentinel.ts';
import { storm } from './storm.ts';
import { wifi } from './wifi.ts';

/** In the order in which the report tells of them. */
export const faults: readonly Fault[] = [
  reconnects,
  wifi,
  redisRestart,
  redisAway,
  sentinelKill,
  sentinelHang,
  sentinelFailover,
  clusterKill,
  clusterReshardOthers,
  clusterReshardOurs,
  pubsubKill,
  flushall,
  readOnly,
  outOfMemory,
  garbage,
  nodeKill,
  nodeStop,
  rollingRestart,
  storm,
  halfOpen,
  churn,
];
