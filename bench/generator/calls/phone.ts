import { connect, type Socket } from 'node:net';
import { Connection, type Endpoint } from '../connection.ts';
import type { Member } from '../dialects/dialect.ts';
import type { Meter } from '../meter.ts';
import type { CallDialect, Heard, Party, Saying } from './dialect.ts';
import { AnswerTexts, EventTexts, FrameTexts } from './texts.ts';

/** Called with the answer's text. */
type Answered = (answer: string) => void;

/** A user's only device: the socket it listens on, and the way in which it says things. */
export class Phone implements Party {
  readonly member: Member;
  /** Whoever is to know what it hears. */
  listener: (heard: Heard) => void = () => {};
  private readonly connection: Connection;
  private readonly dialect: CallDialect;
  private readonly host: string;
  private readonly http: HttpLine | undefined;
  private readonly waiting = new Map<string, Answered>();
  private requests = 0;

  constructor(endpoint: Endpoint, dialect: CallDialect, member: Member, meter: Meter) {
    this.member = member;
    this.dialect = dialect;
    this.host = `${endpoint.host}:${endpoint.port}`;
    if (!dialect.onSocket) this.http = new HttpLine(endpoint);
    const texts = dialect.sockets.framed ? new FrameTexts() : new EventTexts();
    this.connection = new Connection(endpoint, dialect.sockets, member, meter, (bytes) =>
      texts.read(bytes, this.take),
    );
  }

  get open(): Promise<void> {
    return this.connection.open;
  }

  get socketId(): string {
    return this.connection.socketId;
  }

  say(saying: Saying, answered: Answered): void {
    if (this.http) this.http.send(this.dialect.overHttp?.(saying, this.host) ?? '', answered);
    else this.sayOnSocket(saying, answered);
  }

  private sayOnSocket(saying: Saying, answered: Answered): void {
    const id = operationId(++this.requests);
    this.waiting.set(id, answered);
    this.connection.say(this.dialect.onSocket?.(id, saying) ?? '');
  }

  private readonly take = (text: string): void => {
    const message = this.dialect.understand(text);
    if (!message) return;
    if ('heard' in message) this.listener(message.heard);
    else this.answer(message.answers, text);
  };

  private answer(id: string, text: string): void {
    const answered = this.waiting.get(id);
    this.waiting.delete(id);
    answered?.(text);
  }
}

/** As long as the ids that clients make, which are UUIDs. */
function operationId(count: number): string {
  return `00000000-0000-4000-8000-${String(count).padStart(12, '0')}`;
}

/** An HTTP connection that is kept alive. Requests do not wait for the answers before them; those come in their order. */
class HttpLine {
  private readonly endpoint: Endpoint;
  private socket: Socket | undefined;
  private waiting: Answered[] = [];

  constructor(endpoint: Endpoint) {
    this.endpoint = endpoint;
  }

  send(request: string, answered: Answered): void {
    this.socket ??= this.connect();
    this.waiting.push(answered);
    this.socket.write(request);
  }

  /** Servers end connections that were silent for some seconds: the next request opens another one. */
  private connect(): Socket {
    const texts = new AnswerTexts();
    const socket = connect({ ...this.endpoint, noDelay: true });
    socket.on('data', (chunk: Buffer) => texts.read(chunk, (text) => this.waiting.shift()?.(text)));
    socket.on('error', () => {});
    socket.once('end', () => this.forget(socket));
    socket.once('close', () => this.forget(socket));
    return socket;
  }

  private forget(socket: Socket): void {
    if (this.socket !== socket) return;
    this.socket = undefined;
    this.waiting = [];
  }
}
