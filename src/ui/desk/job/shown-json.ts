/** What a job was given and what it gave, as far as a page shows it: not hundreds of megabytes. Pure. */
import type { JobRecord } from '../../../job/job.ts';
import type { JsonValue } from '../../../job/values/json.ts';
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
    return text.slice(0, MOST_SHOWN);
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

function shownArgs(
  args: readonly JsonValue[],
  shown: (name: string, value: JsonValue) => JsonValue,
): readonly JsonValue[] {
  const all = shown('args', [...args]);
  return typeof all === 'string' ? [all] : args;
}
