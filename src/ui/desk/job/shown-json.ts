/** What a job was given and what it gave, as far as a page shows it: not hundreds of megabytes. Pure. */
import type { JobRecord } from '../../../job/job.ts';
import { beginning } from '../../../job/text.ts';
import type { JsonValue } from '../../../job/values/json.ts';
import { isArray } from '../../../job/values/realm.ts';
import type { JobDetail } from '../../wire.ts';

/** Longer JSON is cut, characters. */
export const MOST_SHOWN: number = 256 * 1_024;

type Payload = Pick<JobDetail, 'args' | 'value' | 'checkpoint' | 'cut'>;

/** What is cut comes as the beginning of its JSON, a text; arguments as an array of that alone. */
export function payloadOf(record: JobRecord | null, checkpoint: JsonValue | undefined): Payload {
  const cut: Record<string, number> = {};
  const shown = (name: string, value: JsonValue): JsonValue => {
    const text = JSON.stringify(value);
    if (text.length <= MOST_SHOWN) return value;
    cut[name] = text.length;
    return beginning(text, MOST_SHOWN);
  };
  const outcome = record?.outcome ?? null;
  const value = outcome?.state === 'succeeded' ? outcome.value : undefined;
  return {
    ...(record === null ? {} : { args: shownArgs(record.job.args, shown) }),
    ...(value === undefined ? {} : { value: shown('value', value) }),
    ...(checkpoint === undefined ? {} : { checkpoint: shown('checkpoint', checkpoint) }),
    cut,
  };
}

/** The beginning of arguments, on one line; however large they are, no more of them is written than that. @param most characters */
export function argsPreview(args: readonly JsonValue[], most: number): string {
  const text = partsOf(args, most);
  return text.length <= most ? text : `${beginning(text, most - 1)}…`;
}

function partsOf(value: JsonValue & object, most: number): string {
  const parts: string[] = [];
  let length = 0;
  for (const [name, one] of isArray(value) ? unnamed(value) : named(value, most)) {
    const part = `${name}${name === '' ? '' : ':'}${written(one, most - length - 1)}`;
    parts.push(part);
    length += part.length + 2;
    if (length > most) break;
  }
  return parts.join(', ');
}

function* unnamed(values: readonly JsonValue[]): Generator<readonly [name: string, value: JsonValue]> {
  for (const value of values) yield ['', value];
}

function* named(value: object, most: number): Generator<readonly [name: string, value: JsonValue]> {
  for (const key in value)
    yield [JSON.stringify(beginning(key, most)), (value as Readonly<Record<string, JsonValue>>)[key] ?? null];
}

function written(value: JsonValue, most: number): string {
  if (most <= 0) return '…';
  if (typeof value === 'string') return JSON.stringify(beginning(value, most + 1));
  if (typeof value !== 'object' || value === null) return String(value);
  return isArray(value) ? `[${partsOf(value, most - 1)}]` : `{${partsOf(value, most - 1)}}`;
}

function shownArgs(
  args: readonly JsonValue[],
  shown: (name: string, value: JsonValue) => JsonValue,
): readonly JsonValue[] {
  const all = shown('args', [...args]);
  return typeof all === 'string' ? [all] : args;
}
