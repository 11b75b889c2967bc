/** Running a task inline with the same trip through JSON that a worker's run makes. */
import type { Sighting } from '../broker/broker.ts';
import { UnknownTaskError } from '../job/errors.ts';
import { toFailure } from '../job/failure.ts';
import type { Job, JobRecord, Outcome, Standing } from '../job/job.ts';
import { assertSerialisable, type JsonValue } from '../job/json.ts';
import type { ErrorTexts } from '../job/redaction.ts';
import { AsyncResult } from './async-result.ts';
import { registry } from './registry.ts';

/** Where eager handles look: the one record, in memory. */
const PLACE = 'this process (alwaysEager)';

/** Runs the job now; the handle it returns is ready. Like a worker, it never throws what the task throws: `get()` does. */
export async function runEagerly(job: Job, standing: Standing, texts: ErrorTexts): Promise<AsyncResult> {
  const startedAtMs = Date.now();
  const outcome = await outcomeOf(job, standing, texts);
  const attempt = { attempt: 1, startedAtMs, endedAtMs: Date.now(), owner: PLACE };
  const record: JobRecord = { job, attempts: [attempt], outcome, parked: null, kept: standing };
  const sighting: Sighting = {
    id: job.id,
    state: outcome.state,
    standing,
    dueAtMs: null,
    owner: null,
    location: PLACE,
    record,
  };
  const source = {
    place: PLACE,
    find: async () => sighting,
    outcome: async () => record,
    waitForOutcome: async () => record,
  };
  return new AsyncResult(job.id, async () => source, true);
}

async function outcomeOf(job: Job, standing: Standing, texts: ErrorTexts): Promise<Outcome> {
  const task = registry().tasks.get(job.task);
  try {
    if (task === undefined) throw new UnknownTaskError(`Task ${job.task} is not registered in this process.`);
    const { id, headers } = job;
    const context = {
      id,
      task: job.task,
      attempt: 1,
      queue: standing.queue,
      headers,
      signal: new AbortController().signal,
      deadline: null,
    };
    const args = JSON.parse(JSON.stringify(job.args)) as JsonValue[];
    const value = await registry().current.run(context, async () => task.fn(...args));
    return { state: 'succeeded', value: toValue(value) };
  } catch (error) {
    return { state: 'failed', error: toFailure(error, { ...texts, redact: task?.redact ?? texts.redact }) };
  }
}

/** A task's return value as JSON carries it; undefined stays undefined. @throws NotSerialisableError */
export function toValue(returned: unknown): JsonValue | undefined {
  if (returned === undefined) return undefined;
  assertSerialisable(returned, 'the returned value');
  return JSON.parse(JSON.stringify(returned)) as JsonValue;
}
