import type { Topic } from '../signaling/topic.ts';

/** Every name that the service uses in Redis. All share one hash tag, so that a script may touch any of them together. */
export type Keys = ReturnType<typeof createKeys>;

export function createKeys(prefix: string) {
  const name = (kind: string, id: string): string => `{${prefix}}:${kind}:${id}`;

  return {
    /** hash: `run` (run_id of the primary that the epoch belongs to), `epoch`, `last` (last number given out) */
    log: `{${prefix}}:log`,
    /** stream: the entries a topic keeps, their number as id; fields `previous`, `bytes` (running sum), `body` */
    entries: (topic: Topic) => name('entries', topic),
    /** hash: `last` (number of the topic's last entry), `bytes` (running sum), `dropped` (sum at the oldest kept) */
    record: (topic: Topic) => name('record', topic),
    /** channel: every entry of a topic as `epoch number previous body`, and what is announced as `~body` */
    channel: (topic: Topic) => name('topic', topic),
    /** hash: access field => `number value` */
    access: (uid: string) => name('access', uid),
    /** hash: socketId => `node generation ended record`, see scripts/sockets.lua */
    sockets: (uid: string) => name('sockets', uid),
    /** hash: deviceId => the departure of its last socket, as JSON */
    departures: (uid: string) => name('departures', uid),
    /** hash: document id => body, of the documents that are live for a user */
    live: (uid: string) => name('live', uid),
    /** string: `node ended uid` of a socket, see scripts/sockets.lua */
    owner: (socketId: string) => name('owner', socketId),
    /** hash: `rev`, `body` */
    document: (id: string) => name('document', id),
    /** sorted set: row id by time in milliseconds */
    list: (list: string) => name('list', list),
    /** hash: row id => body */
    rows: (list: string) => name('rows', list),
    /** sorted set: document id by deadline in milliseconds */
    timers: `{${prefix}}:timers`,
    /** hash: `fingerprint`, `result` of an idempotency key */
    key: (keyId: string) => name('key', keyId),
    /** sorted set: `socketId uid` of the sockets in grace, by when they ended in milliseconds */
    graces: `{${prefix}}:graces`,
    /** channel: what a node tells itself, to find out whether it hears */
    probe: (nodeId: string) => name('probe', nodeId),
    /** sorted set: node id by the end of its lease in milliseconds */
    nodes: `{${prefix}}:nodes`,
    /** hash: socketId => uid, of the sockets connected to a node */
    nodeSockets: (nodeId: string) => name('node-sockets', nodeId),
    /** hash: hubId => how many sockets of the node listen to it */
    nodeCounts: (nodeId: string) => name('node-counts', nodeId),
  };
}
