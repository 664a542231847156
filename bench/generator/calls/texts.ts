import { frameAt, opcodes } from '../frames.ts';

/** Finds whole messages in the bytes of one connection, however they are cut into reads. */
export interface TextReader {
  /** The chunk is only looked at until this returns. */
  read(chunk: Buffer, found: (text: string) => void): void;
}

/** The text messages of a WebSocket. Our servers do not cut them into fragments. */
export class FrameTexts implements TextReader {
  private rest = Buffer.alloc(0);

  read(chunk: Buffer, found: (text: string) => void): void {
    const bytes = this.rest.length > 0 ? Buffer.concat([this.rest, chunk]) : chunk;
    let at = 0;
    for (let frame = frameAt(bytes, at); frame; frame = frameAt(bytes, at)) {
      if (frame.opcode === opcodes.text) found(bytes.toString('utf8', frame.start, frame.end));
      at = frame.end;
    }
    this.rest = Buffer.from(bytes.subarray(at));
  }
}

/** The data of server-sent events. Lines of other kinds, the sizes of chunks among them, are passed over. */
export class EventTexts implements TextReader {
  private rest = '';

  read(chunk: Buffer, found: (text: string) => void): void {
    const lines = (this.rest + chunk.toString('latin1')).split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('data: ')) found(line.slice('data: '.length));
  }
}

/** The bodies of HTTP answers that tell their length. */
export class AnswerTexts implements TextReader {
  private rest = '';

  read(chunk: Buffer, found: (text: string) => void): void {
    this.rest += chunk.toString('latin1');
    for (let end = endOfAnswer(this.rest); end; end = endOfAnswer(this.rest)) {
      found(this.rest.slice(end.head, end.body));
      this.rest = this.rest.slice(end.body);
    }
  }
}

function endOfAnswer(text: string): { head: number; body: number } | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const head = end + 4;
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, head))?.[1];
  if (length === undefined) throw new Error(`An answer without a length: ${text.slice(0, 200)}`);
  const body = head + Number(length);
  return text.length >= body ? { head, body } : undefined;
}
