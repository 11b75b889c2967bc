/** What the commands that look at a spool share: they open it, find the job that is meant, and print its value. */
import type { AsyncResult } from '../app/async-result.ts';
import { brokerOptions, placeText } from '../app/settings/place.ts';
import { restoringText } from '../app/telling/warnings.ts';
import type { Broker } from '../broker/broker.ts';
import type { BrokerEvent } from '../broker/worker-side.ts';
import { FsqError, TimeoutError, UnknownJobError, UsageError } from '../job/errors.ts';
import { isIdAt } from '../broker/broker-address.ts';
import { isId } from '../job/names.ts';
import { format, jsonText } from '../job/text.ts';
import type { LogLine } from '../job/values/log-lines.ts';
import { type BrokerOptions, openBroker } from '../open.ts';
import type { Context, Output } from './command.ts';
import { settingsOf } from './setting-options.ts';

/** How many candidates an ambiguous beginning is answered with. */
const MAX_CANDIDATES = 10;

/**
 * Opens the spool that is there and closes it when `use` has ended. None is made: looking must not change anything.
 *
 * @throws SpoolError (FSQ_NO_SPOOL) when there is none
 */
export async function withSpool<T>(
  context: Context,
  use: (broker: Broker) => Promise<T>,
  options: Pick<BrokerOptions, 'looksAtOnce'> = {},
): Promise<T> {
  const settings = await settingsOf(context);
  const onEvent = (event: BrokerEvent): void => context.tell(restoringText(event, placeText(settings)));
  const broker = openBroker({ ...brokerOptions(settings), ...options, mustExist: true, onEvent });
  try {
    return await use(broker);
  } finally {
    await broker.close();
  }
}

/**
 * The id that `text` means: a whole one, or a beginning that only one job has.
 *
 * @throws UsageError when it cannot be an id or several jobs begin so; UnknownJobError when none does
 */
export async function jobId(broker: Pick<Broker, 'place' | 'idsByPrefix' | 'find'>, text: string): Promise<string> {
  const wanted = text.toLowerCase();
  if (isId(wanted)) return wanted;
  const isAnywhere = isIdAt(broker, text);
  // Of a program of BullMQ: it is counted or chosen, and may be the beginning of another as well.
  if (isAnywhere && (await broker.find(text)) !== null) return text;
  if (!/^[0-9a-f][0-9a-f-]{0,35}$/.test(wanted)) {
    if (isAnywhere) throw new UnknownJobError(text, broker.place);
    throw new UsageError(
      `Expected a job id or its beginning, such as 0199f3c2-8d1e, got ${format(text)}; \`fsq ls\` lists them`,
    );
  }
  const found = await broker.idsByPrefix(wanted, MAX_CANDIDATES + 1);
  const [first] = found;
  if (first === undefined) throw new UnknownJobError(`that begins with ${wanted}`, broker.place);
  if (found.length === 1) return first;
  const shown = found.toSorted().slice(0, MAX_CANDIDATES);
  throw new UsageError(
    `${wanted} is the beginning of ${found.length > MAX_CANDIDATES ? `more than ${MAX_CANDIDATES}` : found.length} jobs; give more of it:\n` +
      [...shown, ...(found.length > MAX_CANDIDATES ? ['…'] : [])].join('\n'),
  );
}

/**
 * The ids that `texts` mean, each once, and for each text that means none its error.
 *
 * @throws UsageError for what is no id, or the beginning of several
 */
export async function jobIds(
  broker: Pick<Broker, 'place' | 'idsByPrefix' | 'find'>,
  texts: readonly string[],
): Promise<{ readonly ids: readonly string[]; readonly missing: readonly UnknownJobError[] }> {
  const ids: string[] = [];
  const missing: UnknownJobError[] = [];
  for (const text of texts) {
    try {
      ids.push(await jobId(broker, text));
    } catch (error) {
      if (!(error instanceof UnknownJobError)) throw error;
      missing.push(error);
    }
  }
  return { ids: [...new Set(ids)], missing };
}

/**
 * Prints the value as JSON, `null` where the task returned nothing. With `asJson` the id and state too, also when there is
 * no value.
 *
 * @param timeoutMs undefined: waits as long as it takes
 * @throws whatever `AsyncResult.get` throws
 */
export async function printValue(
  handle: AsyncResult,
  timeoutMs: number | undefined,
  asJson: boolean,
  stdout: Output,
): Promise<void> {
  const { id } = handle;
  try {
    const value = (await handle.get(timeoutMs === undefined ? {} : { timeout: timeoutMs })) ?? null;
    stdout.write(`${jsonText(asJson ? { id, state: 'succeeded', value } : value)}\n`);
  } catch (error) {
    if (asJson && error instanceof FsqError) {
      const sighting = await handle.info();
      const outcome = error instanceof TimeoutError ? null : sighting?.record?.outcome;
      if (sighting !== null) stdout.write(`${jsonText({ id, state: sighting.state, ...outcome })}\n`);
    }
    throw error;
  }
}

/** The last lines that the runs of a job have printed, at most `most`, and how many there are. */
export async function lastLines(
  broker: Pick<Broker, 'log'>,
  id: string,
  most: number,
): Promise<{ readonly lines: readonly LogLine[]; readonly count: number }> {
  let last: readonly LogLine[] = [];
  let count = 0;
  for (let position = 0; ;) {
    const part = await broker.log(id, position);
    if (part.lines.length === 0) return { lines: last, count };
    count += part.lines.length;
    last = [...last, ...part.lines].slice(-most);
    position = part.position;
  }
}
