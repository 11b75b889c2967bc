/**
 * What fsq tells other code of the process through `node:diagnostics_channel`: the channels, their messages, and whether anybody
 * listens. Where nobody does, no message is made, and a job costs a few looks at a property.
 */
import type { Channel, TracingChannel } from 'node:diagnostics_channel';
import type { BrokerEvent } from '../../broker/worker-side.ts';
import type { Failure } from '../../job/errors.ts';
import type { Job, Standing } from '../../job/job.ts';
import type { JsonValue } from '../../job/values/json.ts';

/**
 * A call of `delay()`, `applyAsync()` or `delayMany()`, on the tracing channel `fsq:enqueue`. Its `result` are the handles. A composition is
 * told as a call for each task, queue and priority in it.
 */
export interface EnqueueMessage {
  readonly task: string;
  readonly queue: string;
  readonly priority: number;
  /** The arguments of each job that the call sends. */
  readonly argsList: readonly (readonly JsonValue[])[];
  /** Of all these jobs. What a subscriber of `start` puts in here goes along with them. */
  readonly headers: Record<string, string>;
}

/** An attempt of a job. */
export interface JobMessage {
  readonly id: string;
  readonly task: string;
  readonly queue: string;
  /** 1 in the first run. */
  readonly attempt: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Unix ms by the producer's clock. */
  readonly enqueuedAtMs: number;
}

/** A run of a task's function for a job, on the tracing channel `fsq:run`. Its `result` is what a worker keeps of what it returned. */
export interface RunMessage extends JobMessage {
  readonly args: readonly JsonValue[];
}

/** A process has taken a job to run it: `fsq:claim`. */
export interface ClaimMessage extends JobMessage {
  readonly priority: number;
  /** Runs before this one that ended with the death of their process. */
  readonly crashes: number;
}

/** A job runs again after a run that failed: `fsq:retry`. */
export interface RetryMessage extends JobMessage {
  readonly error: Failure;
  readonly delayMs: number;
}

/** A job has lost its process: `fsq:crash`. */
export interface CrashMessage extends JobMessage {
  /** The process that is dead, by its name among owners. */
  readonly owner: string;
  /** `timed-out`: it was killed at the job's time limit. */
  readonly cause: 'crashed' | 'timed-out';
  /** What becomes of the job: it runs again, or it has ended. */
  readonly next: 'rerun' | 'failed';
}

/** A child of a worker has been started, is ready for jobs, or has ended: `fsq:child`. */
export type ChildMessage =
  | { readonly kind: 'started'; readonly pid: number }
  | { readonly kind: 'ready'; readonly pid: number | null; readonly owner: string; readonly tasks: readonly string[] }
  | {
      readonly kind: 'ended';
      /** Null where no process could be started. */
      readonly pid: number | null;
      /** Null where it ended before it was ready. */
      readonly owner: string | null;
      readonly code: number | null;
      readonly signal: string | null;
      /** `parted`: it was replaced or drained, and ended in order. */
      readonly cause: 'crashed' | 'over-limit' | 'parted' | 'revoked' | 'stopped' | 'unborn';
    };

interface Messages {
  readonly claim: ClaimMessage;
  readonly retry: RetryMessage;
  readonly crash: CrashMessage;
  readonly child: ChildMessage;
}

type Channels = Readonly<Record<'enqueue' | 'run', TracingChannel>> & Readonly<Record<keyof Messages, Channel>>;

let channels: Channels | null = null;

/** At the first use: to import the library must not load the module. */
function open(): Channels {
  const { channel, tracingChannel } = process.getBuiltinModule('node:diagnostics_channel');
  return (channels = {
    enqueue: tracingChannel('fsq:enqueue'),
    run: tracingChannel('fsq:run'),
    claim: channel('fsq:claim'),
    retry: channel('fsq:retry'),
    crash: channel('fsq:crash'),
    child: channel('fsq:child'),
  });
}

/** True if anybody has subscribed to one of its five channels. Node.js has this as a property from 22 on. */
export function isTraced(name: 'enqueue' | 'run'): boolean {
  const { start, end, asyncStart, asyncEnd, error } = (channels ?? open())[name];
  return (
    start.hasSubscribers ||
    end.hasSubscribers ||
    asyncStart.hasSubscribers ||
    asyncEnd.hasSubscribers ||
    error.hasSubscribers
  );
}

/** True if anybody has subscribed to it. */
export function isHeard(name: keyof Messages): boolean {
  return (channels ?? open())[name].hasSubscribers;
}

/** Gives the message to all subscribers. To be made only when `isHeard`. */
export function tell<N extends keyof Messages>(name: N, message: Messages[N]): void {
  (channels ?? open())[name].publish(message);
}

/** Does `act` as the traced operation that `message` tells of: what it gives or throws becomes a property of that. */
export function trace<T>(
  name: 'enqueue' | 'run',
  message: EnqueueMessage | RunMessage,
  act: () => Promise<T>,
): Promise<T> {
  return (channels ?? open())[name].tracePromise(act, message);
}

/** A run has failed, and its job was sent back. */
export function tellRetry(ran: Ran, { error, delayMs }: Pick<RetryMessage, 'error' | 'delayMs'>): void {
  if (isHeard('retry')) tell('retry', { ...jobMessage(ran), error, delayMs });
}

/** A worker has taken back the job of a process that is dead. Tells of a retry too, where the job runs again. */
export function tellRecovered(event: Extract<BrokerEvent, { kind: 'recovered' }>): void {
  const { ending: cause, settlement, owner } = event;
  if (settlement.kind === 'rerun') tellRetry(event, settlement);
  if ((cause !== 'crashed' && cause !== 'timed-out') || !isHeard('crash')) return;
  tell('crash', { ...jobMessage(event), owner, cause, next: settlement.kind === 'publish' ? 'failed' : 'rerun' });
}

interface Ran {
  readonly job: Job;
  readonly standing: Standing;
}

export function jobMessage({ job, standing }: Ran): JobMessage {
  const { id, task, headers, enqueuedAtMs } = job;
  return { id, task, queue: standing.queue, attempt: standing.attempt, headers, enqueuedAtMs };
}
