/** Ids of jobs from standard input, where a command has `-` for an id: so the commands go together in a pipe. */
import { UsageError } from '../../../job/errors.ts';
import { format } from '../../../job/text.ts';
import { peek } from '../../../job/values/realm.ts';
import { linesOf } from './json-lines.ts';

/** Longer than any line that a command prints with an id at its beginning. */
const MAX_LINE_BYTES = 16 * 1_024 * 1_024;

/**
 * `args` with the ids of the input in the place of `-`. An id is the first word of its line, as `fsq ls --ids`, `fsq call` and `fsq wait` print it,
 * or the `id` of a JSON object, as `fsq wait --json` and `fsq map` do.
 *
 * @throws UsageError for a line without one, or a second `-`
 */
export async function withIdsFrom(
  input: AsyncIterable<Buffer | string>,
  args: readonly string[],
): Promise<readonly string[]> {
  const at = args.indexOf('-');
  if (args.includes('-', at + 1)) throw new UsageError('Expected - once: standard input is read to its end');
  const ids: string[] = [];
  for await (const lines of linesOf(input, MAX_LINE_BYTES))
    for (const line of lines) {
      if ('problem' in line) throw line.problem;
      ids.push(idIn(line.text, line.number));
    }
  return [...args.slice(0, at), ...ids, ...args.slice(at + 1)];
}

function idIn(text: string, number: number): string {
  const id = text.startsWith('{') ? idInJson(text) : text.split(/\s/, 1)[0];
  if (typeof id === 'string') return id;
  throw new UsageError(`Expected line ${number} of standard input to have the id of a job, got ${format(text)}`);
}

function idInJson(text: string): unknown {
  try {
    return peek(JSON.parse(text), 'id');
  } catch {
    return undefined;
  }
}
