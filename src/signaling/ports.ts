import type { Cursor } from './cursor.ts';
import type { Retention, Topic } from './topic.ts';

/*
 * The two ports that carry the state. An adapter adds nothing to what is promised here; test/contracts holds one suite
 * for each port, and every adapter passes it. Whatever an adapter cannot do because its store is away it refuses with
 * UNAVAILABLE within two seconds; it never claims a success that it does not know of.
 */

/** One entry to append: opaque text under a topic. */
export interface Entry {
  readonly topic: Topic;
  readonly body: string;
  readonly retention: Retention;
}

/** An entry as the log holds it. */
export interface Logged extends Cursor {
  readonly topic: Topic;
  /** The number of the entry before it in the same topic; 0 when the topic had no record. */
  readonly previous: number;
  readonly body: string;
}

/** A document that changes: opaque text under an id, with a revision. */
export interface Document {
  readonly id: string;
  /** Grows by one with each change; 0 stands for "does not exist". */
  readonly rev: number;
  readonly body: string;
}

/** A document to store, and the users whose list of live documents it is on from now. */
export interface Put extends Document {
  readonly ttlMs: number;
  /** For each user: on their list, or off it. */
  readonly live: readonly { readonly uid: string; readonly listed: boolean }[];
}

/** A record to add to a list that is read newest first. */
export interface Row {
  readonly list: string;
  readonly id: string;
  readonly body: string;
  /** Milliseconds; records are ordered by it. */
  readonly at: number;
  readonly keep: { readonly rows: number; readonly ms: number };
}

/** Which rows of a list to read. */
export interface Page {
  readonly first: number;
  /** The id of the row before the page; null for the first page. */
  readonly after: string | null;
}

/** Sets one field of what is known about a user's access; null removes it. The field keeps the number of its commit. */
export interface AccessChange {
  readonly uid: string;
  readonly field: string;
  readonly value: string | null;
  /** Only if the field still has this number: whoever removes what has ended must not remove what came after it. */
  readonly ifSince?: number;
}

/** Makes a commit repeatable: whoever brings the same id again gets the first result, and nothing else happens. */
export interface IdempotencyKey {
  readonly id: string;
  /** Tells the same request from another one under the same id. */
  readonly fingerprint: string;
  readonly result: string;
  readonly ttlMs: number;
}

/** One change of state: all of it happens, in one step, or none of it. */
export interface Change {
  /** Documents that must still have these revisions. */
  readonly expect?: readonly { readonly id: string; readonly rev: number }[];
  readonly put?: readonly Put[];
  readonly append?: readonly Entry[];
  readonly rows?: readonly Row[];
  /** Deadlines by document id, in milliseconds of the clock; null removes one. */
  readonly timers?: readonly { readonly id: string; readonly at: number | null }[];
  readonly access?: readonly AccessChange[];
  readonly key?: IdempotencyKey | undefined;
}

export type Outcome =
  /** It happened. The numbers are those of `append`, in its order. */
  | { readonly status: 'DONE'; readonly numbers: readonly number[] }
  /** The key was known, with the same fingerprint: this was the result. Nothing happened. */
  | { readonly status: 'REPEATED'; readonly result: string }
  /** The key was known, with another fingerprint. Nothing happened. */
  | { readonly status: 'KEY_CONFLICT' }
  /** A revision differed. Nothing happened: read, and decide again. */
  | { readonly status: 'CONFLICT' };

/**
 * A socket whose connection has ended is in grace this long, in milliseconds, unless configured: it may be taken up again.
 * An adapter is given it as `graceMs`, and all nodes of an installation have the same.
 */
export const defaultGraceMs = 30_000;

/** One socket, as every node can read it. */
export interface SocketRecord {
  readonly socketId: string;
  readonly deviceId: string | null;
  readonly deviceLabel: string | null;
  /** Milliseconds. */
  readonly openedAt: number;
  /** Its user does not want to be rung during a call. */
  readonly rejectsWhenBusy?: true;
  /** 1 when it was first opened, one more each time it was taken up: the newest connection is the socket's. */
  readonly generation: number;
  /** Digests of the tokens that take it up: of the newest, and of the one that was used last. */
  readonly keys: readonly string[];
}

/** A socket that is connected to a node whose lease holds, or in grace. */
export interface KnownSocket extends SocketRecord {
  /** False while it is in grace. */
  readonly connected: boolean;
}

/** The end of a socket's connection. */
export interface Departure {
  readonly uid: string;
  readonly socketId: string;
  readonly deviceId: string | null;
  readonly generation: number;
  /** Milliseconds. */
  readonly at: number;
  /** Who ended it; null when it never was ready: nobody misses it. */
  readonly by: 'CLIENT' | 'SERVICE' | null;
  /** It will not come back: the socket is gone at once, without grace. */
  readonly final: boolean;
}

/** A field set by an `AccessChange`. */
export interface AccessField {
  readonly value: string;
  /** The sequence's number when it was set: that of the commit's last entry, if it appended any. */
  readonly since: number;
}

/** What is known about one user, read in one step. */
export interface UserRecord {
  readonly access: ReadonlyMap<string, AccessField>;
  readonly sockets: readonly KnownSocket[];
  /** The bodies of their live documents. */
  readonly live: readonly string[];
}

/** What `open` is to register and to read. */
export interface Opening {
  readonly uid: string;
  readonly socket: SocketRecord;
  /** The generation that may be registered now, at most; 0 for a socket that is new. */
  readonly replaces: number;
  readonly access: readonly Omit<AccessChange, 'ifSince'>[];
  /** How many sockets of this node listen to each hub, this one included. */
  readonly counts: ReadonlyMap<string, number>;
  readonly reading: Reading;
}

/** What is to be read of the log. */
export interface Reading {
  /** Each after its own number. */
  readonly topics: readonly { readonly topic: Topic; readonly after: number }[];
  /** The epoch that the `after`s belong to; null to read no entries. */
  readonly epoch: string | null;
  readonly limit: { readonly entries: number; readonly bytes: number };
}

/** A cut of the log: what was committed before lies at or below its number, whatever is committed later above it. */
export interface Cut extends Cursor {
  /** Per topic that was to be read: its last number (0: no record), and its entries after `after`, oldest first. */
  readonly topics: readonly {
    readonly topic: Topic;
    readonly last: number;
    readonly entries: readonly Logged[];
  }[];
  /** The entries were more than the limit, and are left out. */
  readonly tooMuch: boolean;
}

/** The cut at which a socket was opened. */
export interface Opened extends Cut {
  readonly user: UserRecord;
}

/** When a document is to be looked at, in milliseconds. */
export interface Deadline {
  readonly id: string;
  readonly at: number;
}

/** How far a hub's signals reach. */
export interface HubCount {
  readonly sockets: number;
  readonly nodes: number;
}

export interface Store {
  /**
   * Applies a change, all of it or nothing. Entries get ascending numbers, greater than every number given out before,
   * also after the store was emptied or replaced; each is published on its topic with the topic's previous number.
   */
  commit(change: Change): Promise<Outcome>;

  /**
   * Registers a socket, and reads the log and what is known about its user, in one step. Undefined, and nothing
   * happened, when a newer generation of the socket is registered than `replaces` says, and its grace is not over.
   */
  open(opening: Opening): Promise<Opened | undefined>;

  /** Reads topics in one cut. */
  read(reading: Reading): Promise<Cut>;

  /**
   * Registers sockets of this node again, where the store has forgotten them or others took them for lost; the lease
   * is renewed before. Returns the ids of those that have been taken up elsewhere. `counts` as in `Opening`.
   */
  reclaim(
    sockets: readonly { readonly uid: string; readonly record: SocketRecord }[],
    counts: ReadonlyMap<string, number>,
  ): Promise<readonly string[]>;

  /**
   * Puts sockets in grace, or forgets them, unless a newer generation of them is registered. `counts` as in `Opening`.
   * Does not wait for a store that is away: the lease ends them. Takes effect after a `reclaim` that was called before.
   */
  close(sockets: readonly Departure[], counts: ReadonlyMap<string, number>): Promise<void>;

  /** Forgets sockets whose grace is over, a bounded number at a time. Returns the users who have no others. */
  sweep(): Promise<readonly string[]>;

  user(uid: string): Promise<UserRecord>;

  /** What is known about a user's access alone. */
  access(uid: string): Promise<UserRecord['access']>;

  /** A user's socket, if it is connected or in grace. */
  socket(uid: string, socketId: string): Promise<KnownSocket | undefined>;

  /** Of each device of a user, the last socket that `close` was told of and that was ready; kept for two minutes. */
  departures(uid: string): Promise<readonly Departure[]>;

  /** Whose socket this is, if it is connected or in grace. */
  ownerOf(socketId: string): Promise<string | undefined>;

  document(id: string): Promise<Document | undefined>;

  /** Entries of one topic after a number, oldest first. */
  entries(topic: Topic, after: number): Promise<readonly Logged[]>;

  /** Rows of a list, newest first, behind the row `after`, at most `first`; undefined when `after` is not in the list. */
  rows(list: string, page: Page): Promise<readonly Pick<Row, 'id' | 'body'>[] | undefined>;

  /** What a key's first commit resulted in. */
  result(keyId: string): Promise<{ fingerprint: string; result: string } | undefined>;

  /** How many sockets on how many nodes listen to each hub. */
  counts(hubIds: readonly string[]): Promise<ReadonlyMap<string, HubCount>>;

  /** Deadlines of documents at or before a time (milliseconds), at most `limit`, earliest first. */
  deadlines(until: number, limit: number): Promise<readonly Deadline[]>;

  /** Resolves when the store takes commands; throws UNAVAILABLE when it does not. */
  ready(): Promise<void>;
}

/** What a bus tells the node that listens to it. */
export interface BusListener {
  /** An entry of a subscribed topic. Entries come in ascending number, whatever their topic. */
  onEntry(entry: Logged): void;
  /** What was announced on a subscribed topic: not an entry, not in any order, and not kept. */
  onNews(topic: Topic, body: string): void;
  /** Entries may have been missed, and subscriptions may be gone: they have to be made again. */
  onLost(): void;
}

export interface Bus {
  /** Sets who is told. Called once, before the first `subscribe`. */
  listen(listener: BusListener): void;
  /** Resolves when every entry that is committed from now on will be told. */
  subscribe(topics: readonly Topic[]): Promise<void>;
  /** Resolves when every entry that was committed before the call has been told. */
  settled(): Promise<void>;
  /** Never fails; entries may still be told for a moment. */
  unsubscribe(topics: readonly Topic[]): void;
  /** Tells all who are subscribed to the topic, if they can be reached: nothing is logged. */
  announce(topic: Topic, body: string): Promise<void>;
}
