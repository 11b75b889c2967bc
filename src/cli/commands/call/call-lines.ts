/** `fsq call --stdin`: a job for each line, sent while they come in. */
import type { AsyncResult } from '../../../app/async-result.ts';
import { FsqError, SpoolError, UsageError } from '../../../job/errors.ts';
import { some } from '../../../job/text.ts';
import type { JsonValue } from '../../../job/values/json.ts';
import type { Output } from '../../command.ts';
import { type BadLine, type Line, linesOf } from '../pipe/json-lines.ts';
import { argumentsInLine } from './call-options.ts';

/** Jobs sent at a time: they share their fsyncs, and few enough that the first ids come soon. */
const BATCH = 500;

interface LineCalls {
  readonly input: AsyncIterable<Buffer | string>;
  /** @throws FsqError when no job can carry the arguments */
  readonly check: (args: readonly JsonValue[]) => unknown;
  readonly send: (argsList: readonly (readonly JsonValue[])[]) => Promise<readonly AsyncResult[]>;
  readonly stdout: Output;
}

/**
 * Sends a job for each line and prints its id once it is accepted. What has come in is sent at once: `tail -f | fsq call`
 * does not wait for a batch to fill. Empty lines are skipped. When nobody reads the ids any more it stops: a call whose ids go
 * into `head` must not send without end.
 *
 * @returns how many were sent
 * @throws UsageError naming the first bad line; SpoolError. The jobs before it are sent and their ids printed.
 */
export async function callLines({ input, check, send, stdout }: LineCalls): Promise<number> {
  let sent = 0;
  const flush = async (batch: readonly (readonly JsonValue[])[]): Promise<void> => {
    if (batch.length === 0) return;
    const handles = await send(batch);
    stdout.write(handles.map(({ id }) => `${id}\n`).join(''));
    sent += handles.length;
  };
  try {
    for await (const lines of linesOf(input)) {
      for (let i = 0; i < lines.length; i += BATCH) {
        const { batch, error } = readBatch(lines.slice(i, i + BATCH), check);
        await flush(batch);
        if (error !== null) throw error;
        await stdout.caughtUp();
        if (stdout.isClosed) return sent;
      }
    }
    return sent;
  } catch (error) {
    throw withCount(error, sent);
  }
}

/** The arguments up to the first bad line, and what is wrong with that one. */
function readBatch(
  lines: readonly (Line | BadLine)[],
  check: LineCalls['check'],
): { readonly batch: readonly (readonly JsonValue[])[]; readonly error: FsqError | null } {
  const batch: (readonly JsonValue[])[] = [];
  for (const line of lines) {
    if ('problem' in line) return { batch, error: line.problem };
    const { number, text } = line;
    try {
      const args = argumentsInLine(text, number);
      checkLine(args, number, check);
      batch.push(args);
    } catch (error) {
      if (error instanceof FsqError) return { batch, error };
      throw error;
    }
  }
  return { batch, error: null };
}

function checkLine(args: readonly JsonValue[], number: number, check: LineCalls['check']): void {
  try {
    check(args);
  } catch (error) {
    if (!(error instanceof FsqError)) throw error;
    throw new UsageError(`Line ${number}: ${error.message}`, error.code, { cause: error });
  }
}

function withCount(error: unknown, sent: number): unknown {
  if (!(error instanceof FsqError)) return error;
  const before = `${some(sent, 'job was', 'jobs were')} sent before this, none after it.`;
  const message = `${error.message}${error.message.endsWith('.') ? '' : '.'} ${before}`;
  if (error instanceof SpoolError)
    return new SpoolError(error.code, message, { cause: error, uncertain: error.uncertain });
  return new UsageError(message, error.code, { cause: error });
}
