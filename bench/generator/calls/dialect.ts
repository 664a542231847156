import type { Dialect, Member } from '../dialects/dialect.ts';

/** What the two sides of a call say, each word by one of them. `log` only where the server does not write it by itself. */
export type Word = 'dial' | 'ring' | 'accept' | 'offer' | 'answer' | 'candidate' | 'hangUp' | 'log';

/** What they hear of it. */
export type Heard =
  | { readonly what: 'ring'; readonly callId: string }
  /** Says where the called user answered. */
  | { readonly what: 'accepted'; readonly socketId: string }
  | { readonly what: 'alerting' | 'offer' | 'answer' | 'candidate' | 'ended' | 'logged' };

/** One of the two. */
export interface Party {
  readonly member: Member;
  readonly socketId: string;
}

/** A word on its way. */
export interface Saying {
  readonly word: Word;
  readonly from: Party;
  readonly to: Party;
  readonly callId: string;
  /** Different for each call. */
  readonly roomId: string;
}

/** What a message says to whoever opened the socket. */
export type Message = { readonly answers: string } | { readonly heard: Heard };

/** How the two sides of a call speak to one kind of server. */
export interface CallDialect {
  /** How their sockets open. */
  readonly sockets: Dialect;
  /** The message that says it on the open WebSocket. Without one, everything is said over HTTP. */
  onSocket?(id: string, saying: Saying): string;
  /** The HTTP request that says it. */
  overHttp?(saying: Saying, host: string): string;
  /** What came on the socket; undefined for what has no meaning for a call. */
  understand(text: string): Message | undefined;
  /** Whether an answer, as text, says that nothing came of it. */
  isRefusal(answer: string): boolean;
  /** The words that the server has to be told, and not find out by itself. */
  readonly tellsLog: boolean;
}
