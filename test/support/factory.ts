/** Jobs of which a test says only what matters to it. */
import { randomBytes } from 'node:crypto';
import type { NewJob } from '../../src/broker/broker.ts';
import type { BesideJob, Claim } from '../../src/broker/worker-side.ts';
import { createIdSource } from '../../src/job/names.ts';
import type { Job } from '../../src/job/job.ts';
import type { JobOptions } from '../../src/job/job-options.ts';
import type { JsonValue } from '../../src/job/values/json.ts';
import type { Settlement } from '../../src/job/lifecycle.ts';

/** Ids of jobs that no broker made. */
export const nextId: () => string = createIdSource(Date.now, randomBytes);

export interface JobParts {
  readonly id?: string;
  readonly task?: string;
  readonly args?: readonly JsonValue[];
  readonly queue?: string;
  readonly priority?: number;
  readonly etaMs?: number;
  /** Besides `etaMs`. */
  readonly options?: JobOptions;
  readonly headers?: Readonly<Record<string, string>>;
  readonly enqueuedAtMs?: number;
}

/** A job to enqueue: `echo` of nothing, unless said otherwise. */
export function job(parts: JobParts = {}): NewJob {
  const { queue = 'default', priority = 5 } = parts;
  return { job: jobRecord(parts), queue, priority };
}

/** The record alone, as its file holds it. */
export function jobRecord(parts: JobParts = {}): Job {
  const {
    id = nextId(),
    task = 'echo',
    args = [],
    etaMs,
    options = {},
    headers = {},
    enqueuedAtMs = Date.now(),
  } = parts;
  return { id, task, args, enqueuedAtMs, options: etaMs === undefined ? options : { ...options, etaMs }, headers };
}

/** The settlement of a run that returned `value`. */
export function returned(value: JsonValue | undefined): Settlement {
  return { kind: 'publish', outcome: { state: 'succeeded', value } };
}

/** The settlement of a run that threw. */
export function threw(message: string): Settlement {
  return { kind: 'publish', outcome: { state: 'failed', error: { name: 'Error', message } } };
}

/** The part of a claim that no run here asks for. */
export const NOTHING_BESIDE: BesideJob & Pick<Claim, 'print'> = {
  progress: () => undefined,
  waitsFor: () => undefined,
  checkpoint: async () => undefined,
  checkpointed: () => undefined,
  print: () => undefined,
};

/** When a run took place, where that does not matter. */
export const RUN = { startedAtMs: 1_000, endedAtMs: 2_000 };
