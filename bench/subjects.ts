import type { DialectName } from './generator/dialects/dialect.ts';

/** One server in one of its settings, and the clients that fit it. */
export interface Subject {
  readonly name: SubjectName;
  /** What tables call it. */
  readonly label: string;
  readonly dialect: DialectName;
  /** What Node runs, from the repository's root. */
  readonly program: readonly string[];
  /** Our own service, with its configuration; the rest are peers. */
  readonly ours: boolean;
}

export type SubjectName =
  | 'ours-ws'
  | 'ours-sse'
  | 'bare'
  | 'socketio'
  | 'socketio-sharded'
  | 'socketio-streams'
  | 'graphql-ws'
  | 'yoga-sse'
  | 'seed';

const peer = (file: string, ...args: string[]): readonly string[] => [`bench/peers/${file}`, ...args];

const table: readonly Subject[] = [
  {
    name: 'ours-ws',
    label: 'ours, WebSocket',
    dialect: 'ours-ws',
    program: ['src/main.ts'],
    ours: true,
  },
  {
    name: 'ours-sse',
    label: 'ours, SSE',
    dialect: 'ours-sse',
    program: ['src/main.ts'],
    ours: true,
  },
  {
    name: 'bare',
    label: 'bare `ws` loop',
    dialect: 'plain',
    program: peer('bare.mts'),
    ours: false,
  },
  {
    name: 'socketio',
    label: 'Socket.IO, Redis adapter',
    dialect: 'socketio',
    program: peer('socketio.mts', 'classic'),
    ours: false,
  },
  {
    name: 'socketio-sharded',
    label: 'Socket.IO, sharded adapter',
    dialect: 'socketio',
    program: peer('socketio.mts', 'sharded'),
    ours: false,
  },
  {
    name: 'socketio-streams',
    label: 'Socket.IO, streams adapter',
    dialect: 'socketio',
    program: peer('socketio.mts', 'streams'),
    ours: false,
  },
  {
    name: 'graphql-ws',
    label: 'stock graphql-ws',
    dialect: 'stock-ws',
    program: peer('stock.mts'),
    ours: false,
  },
  {
    name: 'yoga-sse',
    label: 'stock Yoga SSE',
    dialect: 'stock-sse',
    program: peer('stock.mts'),
    ours: false,
  },
  {
    name: 'seed',
    label: "the seed's way",
    dialect: 'plain',
    program: peer('seed.mts'),
    ours: false,
  },
];

export function subjectOf(name: SubjectName): Subject {
  const subject = table.find((each) => each.name === name);
  if (!subject) throw new Error(`There is no subject called ${name}.`);
  return subject;
}
