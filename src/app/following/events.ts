/** What happens to a job, or to many, as it happens, for programs that follow it. */
import { registry } from '../registry.ts';
import { lendingSlot } from './waiting.ts';
import type { Broker, Changed } from '../../broker/broker.ts';
import { refuse, UnknownJobError, UsageError } from '../../job/errors.ts';
import { format } from '../../job/text.ts';
import { isAbortSignal, isOptions } from '../../job/values/realm.ts';
import { tellWhileWaiting } from '../telling/standstill.ts';
import { abortAfter, throwIfAborted } from '../timers.ts';
import { follow } from './follower.ts';
import { NewLines } from './log-reader.ts';
import { type JobEvent, Story } from './story.ts';

export interface EventsOptions {
  /** Stops the following: it throws the signal's reason. The job goes on. */
  readonly signal?: AbortSignal;
}

export type EventSource = Pick<Broker, 'place' | 'find' | 'waitForOutcome' | 'log' | 'changed' | 'owners'>;

/** A job to follow. */
interface Followed {
  readonly id: string;
  readonly source: () => Promise<EventSource>;
  /** True right after it was sent: spares the search of the whole store. */
  readonly isSurelyThere: boolean;
}

/** @throws UsageError at once; UnknownJobError from the following */
export function jobEvents(job: Followed, options: unknown): AsyncGenerator<JobEvent, void, undefined> {
  return followOne(job, checked(options));
}

/** Those of all `jobs`, as they come; it ends when all have ended. @throws UsageError at once */
export function groupEvents(
  jobs: readonly { events(options: EventsOptions): AsyncIterable<JobEvent> }[],
  options: unknown,
): AsyncGenerator<JobEvent, void, undefined> {
  return followAll(jobs, checked(options));
}

async function* followOne(
  { id, source: open, isSurelyThere }: Followed,
  signal: AbortSignal | undefined,
): AsyncGenerator<JobEvent, void, undefined> {
  throwIfAborted(signal);
  const source = await open();
  const story = new Story();
  const stop = new AbortController();
  const outer = abortAfter(null, signal);
  const following = follow(source, id);
  outer.signal?.addEventListener('abort', following.wake);
  const end = endOf(source, id, stop.signal, isSurelyThere, following.wake);
  const log = new NewLines(source, id);
  const beQuiet = tellWhileWaiting(source, id);
  try {
    while (!story.isOver) {
      await lendingSlot(id, () => following.news());
      throwIfAborted(signal);
      const changed = following.take();
      const seen = end.isHeard ? await lastSight(source, id, end.errors) : changed;
      if (seen === null) continue;
      await log.read();
      for (const event of story.tell(seen.sighting, log.take(seen.atMs), Date.now())) {
        throwIfAborted(signal);
        yield event;
      }
    }
  } finally {
    beQuiet();
    following.leave();
    stop.abort();
    outer.cancel();
  }
}

/** How the wait for a job's outcome has ended. */
interface End {
  isHeard: boolean;
  readonly errors: unknown[];
}

/** The end is heard of at once, and surely: the looks between may miss anything else. */
function endOf(source: EventSource, id: string, signal: AbortSignal, isSurelyThere: boolean, wake: () => void): End {
  const end: End = { isHeard: false, errors: [] };
  const hear = (): void => {
    end.isHeard = true;
    wake();
  };
  void source.waitForOutcome(id, signal, isSurelyThere).then(hear, (error: unknown) => {
    end.errors.push(error);
    hear();
  });
  return end;
}

/** @throws what the wait for the outcome threw */
async function lastSight(source: EventSource, id: string, errors: readonly unknown[]): Promise<Omit<Changed, 'mark'>> {
  if (errors.length > 0) throw errors[0];
  const sighting = await source.find(id);
  if (sighting === null) throw new UnknownJobError(id, source.place);
  return { sighting, atMs: Number.POSITIVE_INFINITY };
}

async function* followAll(
  jobs: Parameters<typeof groupEvents>[0],
  signal: AbortSignal | undefined,
): AsyncGenerator<JobEvent, void, undefined> {
  throwIfAborted(signal);
  const stop = abortAfter(null, signal);
  const own = new AbortController();
  const abort = (): void => own.abort(signal?.reason);
  stop.signal?.addEventListener('abort', abort);
  const waiting: JobEvent[] = [];
  let left = jobs.length;
  const failures: unknown[] = [];
  let wake = (): void => undefined;
  const pump = async (job: (typeof jobs)[number]): Promise<void> => {
    try {
      for await (const event of job.events({ signal: own.signal })) {
        waiting.push(event);
        wake();
      }
    } catch (error) {
      failures.push(error);
    }
    left--;
    wake();
  };
  // Not for the task that iterates: that waits below, and works in between.
  registry().current.run(undefined, () => jobs.forEach((job) => void pump(job)));
  try {
    for (;;) {
      for (const event of waiting.splice(0)) yield event;
      throwIfAborted(signal);
      if (failures.length > 0) throw failures[0];
      if (left === 0 && waiting.length === 0) return;
      const news = (): Promise<void> =>
        new Promise((resolve) => {
          wake = resolve;
          if (waiting.length > 0 || failures.length > 0 || left === 0) resolve();
        });
      await lendingSlot(null, news);
    }
  } finally {
    own.abort();
    stop.cancel();
  }
}

/** @throws UsageError */
function checked(options: unknown): AbortSignal | undefined {
  if (!isOptions(options)) return refuse('options of events()', 'an object', options);
  const { signal, ...rest } = options;
  const extra = Object.keys(rest)[0];
  if (extra !== undefined) throw new UsageError(`Unknown option ${format(extra)} of events(); known is signal`);
  if (signal !== undefined && !isAbortSignal(signal)) return refuse('`signal`', 'an AbortSignal', signal);
  return signal;
}
