/** Telling subscribers of `fsq:enqueue` of a composition: as of one call for all of its jobs of one task, queue and priority. */
import type { JsonValue } from '../../job/values/json.ts';
import { checkedHeaders } from '../../job/values/payload.ts';
import { AsyncResult } from '../async-result.ts';
import { trace } from '../telling/diagnostics.ts';
import type { Delivered } from './handles.ts';
import type { PlannedJob } from './plan.ts';
import type { HeadersOf } from './planned-jobs.ts';

/** Jobs of which one message tells. What a subscriber puts into its headers goes along with all of them. */
interface Told {
  readonly first: PlannedJob;
  readonly numbers: number[];
  readonly argsList: (readonly JsonValue[])[];
  readonly before: Readonly<Record<string, string>>;
  readonly headers: Record<string, string>;
}

/** @param deliver is called once, inside of all the traced calls */
export function tracedDelivery(
  jobs: readonly PlannedJob[],
  deliver: (headersOf: HeadersOf) => Promise<Delivered>,
): Promise<Delivered> {
  const sets = setsOf(jobs);
  const order = [...sets.values()];
  const traceFrom = (at: number): Promise<Delivered> => {
    const told = order[at];
    return told === undefined ? deliver(headersWith(sets)) : traced(told, () => traceFrom(at + 1));
  };
  return traceFrom(0);
}

/** The call that `told` tells of, with what `act` gives: all that was sent, when the subscribers have heard of the end. */
function traced({ first, numbers, argsList, headers }: Told, act: () => Promise<Delivered>): Promise<Delivered> {
  const { task, options } = first;
  const message = { task, queue: options.queue, priority: options.priority, argsList, headers };
  return new Promise((resolve, reject) => {
    let end = (): void => undefined;
    const send = async (): Promise<readonly AsyncResult[]> => {
      const sent = await act();
      end = () => resolve(sent);
      return handlesIn(sent, numbers);
    };
    trace('enqueue', message, send).then(() => end(), reject);
  });
}

function setsOf(jobs: readonly PlannedJob[]): ReadonlyMap<string, Told> {
  const sets = new Map<string, Told>();
  for (const [i, job] of jobs.entries()) {
    const { headers } = job.options;
    const told = sets.get(keyOf(job)) ?? {
      first: job,
      numbers: [],
      argsList: [],
      before: headers,
      headers: { ...headers },
    };
    told.numbers.push(i);
    told.argsList.push(job.args);
    sets.set(keyOf(job), told);
  }
  return sets;
}

function keyOf({ task, options: { queue, priority } }: PlannedJob): string {
  return `${priority} ${queue} ${task}`;
}

const NONE: Pick<Told, 'before' | 'headers'> = { before: {}, headers: {} };

/** Each job's own, and what was put in. They are held to the limits of headers. */
function headersWith(sets: ReadonlyMap<string, Told>): HeadersOf {
  return (job) => {
    const { before, headers } = sets.get(keyOf(job)) ?? NONE;
    const put = Object.entries(headers).filter(([name, value]) => before[name] !== value);
    return checkedHeaders(job.task, { ...job.options.headers, ...Object.fromEntries(put) });
  };
}

function handlesIn({ ids, sourceOf }: Delivered, numbers: readonly number[]): readonly AsyncResult[] {
  return numbers.map((at) => new AsyncResult(ids[at] ?? '', sourceOf(ids[at] ?? ''), true));
}
