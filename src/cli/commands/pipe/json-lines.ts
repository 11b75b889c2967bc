/** Lines of JSON from a stream, whatever it brings: each line is told with its number, or what is wrong with it. */
import { UsageError } from '../../../job/errors.ts';
import { MAX_PAYLOAD_BYTES } from '../../../job/values/payload.ts';

/** Longest line, bytes: room for the largest arguments with some white space. */
export const MAX_LINE_BYTES: number = 2 * MAX_PAYLOAD_BYTES;

const NEWLINE = 0x0a;

export interface Line {
  /** 1 for the first. */
  readonly number: number;
  /** Without white space around it: a byte order mark and the CR of CRLF are such. */
  readonly text: string;
}

/** A line that cannot be read. */
export interface BadLine {
  readonly number: number;
  readonly problem: UsageError;
}

/**
 * The lines of each piece of input, together: after them no further line is there yet. Empty lines are left out, and counted. A last
 * line without a newline counts. A line that is too long is passed over without being held.
 */
export async function* linesOf(
  input: AsyncIterable<Buffer | string>,
  maxBytes: number = MAX_LINE_BYTES,
): AsyncGenerator<readonly (Line | BadLine)[]> {
  const rest = new Rest(maxBytes);
  let number = 0;
  for await (const given of input) {
    const chunk = typeof given === 'string' ? Buffer.from(given) : given;
    const lines: (Line | BadLine)[] = [];
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      rest.add(chunk.subarray(from, at));
      lines.push(...lineIn(rest.take(), ++number, maxBytes));
      from = at + 1;
    }
    rest.add(chunk.subarray(from));
    if (lines.length > 0) yield lines;
  }
  const last = lineIn(rest.take(), ++number, maxBytes);
  if (last.length > 0) yield last;
}

/** What has come of a line so far. */
class Rest {
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(part: Buffer): void {
    this.#bytes += part.length;
    if (this.#bytes > this.#maxBytes) this.#parts = [];
    else if (part.length > 0) this.#parts.push(part);
  }

  /** Null: it was too long, and is not there. */
  take(): Buffer | null {
    const [parts, isWhole] = [this.#parts, this.#bytes <= this.#maxBytes];
    this.#parts = [];
    this.#bytes = 0;
    if (!isWhole) return null;
    return parts.length === 1 ? (parts[0] ?? null) : Buffer.concat(parts);
  }
}

/** None where it is empty. */
function lineIn(bytes: Buffer | null, number: number, maxBytes: number): readonly (Line | BadLine)[] {
  const bad = (message: string, code: 'FSQ_USAGE' | 'FSQ_TOO_LARGE', cause?: unknown): readonly [BadLine] => [
    { number, problem: new UsageError(message, code, cause === undefined ? undefined : { cause }) },
  ];
  if (bytes === null) return bad(`Line ${number} has more than ${maxBytes} bytes`, 'FSQ_TOO_LARGE');
  try {
    const text = UTF8.decode(bytes).trim();
    return text === '' ? [] : [{ number, text }];
  } catch (error) {
    return bad(`Expected line ${number} to be UTF-8, got other bytes`, 'FSQ_USAGE', error);
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });
