/** The operations under fire: for each a program of this folder, its input, and the spool it finds. */
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NewJob } from '../../../src/broker/broker.ts';
import { encodeBase, encodeTail } from '../../../src/job/document.ts';
import { createIdSource } from '../../../src/job/id.ts';
import { delayedFileName, jobFileName, type JobName } from '../../../src/spool/layout.ts';
import { openSpool } from '../../../src/spool/spool.ts';
import { job, nextId } from '../../support/factory.ts';
import { plantDeadOwner, someOwner } from '../../support/owners.ts';

/** A job that the spool holds before the operation begins. */
export interface Planted {
  readonly id: string;
  /** How often it may begin if no process dies any more. */
  readonly runs: 0 | 1;
  /** How it ends, unless the disk keeps it from being read. */
  readonly ends: 'succeeded' | 'failed' | 'revoked or succeeded';
  /** It had ended before, and may expire. */
  readonly isEnded?: boolean;
}

export interface Operation {
  readonly name: string;
  /** The file in this folder. */
  readonly program: string;
  readonly input?: unknown;
  /** Fills a spool that is there and empty; null: there is none. */
  readonly prepare: ((spool: string) => readonly Planted[]) | null;
  /** What failed, or failed with one of these errors, is done again in a later round, which a test does not wait for. */
  readonly isRepeatedLater?: true | readonly string[];
  /** What else the program is told, from what was prepared. */
  readonly inputFrom?: (planted: readonly Planted[]) => unknown;
}

const HOUR_MS = 3_600_000;
const DEATH = { name: 'WorkerLostError', message: 'The process that ran attempt 1 died.' };

export const OPERATIONS: readonly Operation[] = [
  { name: 'establish', program: 'establish.mjs', prepare: null },
  { name: 'enqueue', program: 'enqueue.mjs', prepare: () => [] },
  { name: 'enqueue three at once', program: 'enqueue-three.mjs', prepare: () => [] },
  { name: 'enqueue into spare files', program: 'enqueue-reuse.mjs', prepare: plantSpare },
  {
    name: 'claim and finish',
    program: 'run.mjs',
    prepare: (spool) => [plantPending(spool), plantPending(spool)],
    input: { jobs: 2 },
  },
  {
    name: 'claim and finish over an older tail',
    program: 'run.mjs',
    prepare: (spool) => [plantPending(spool, { attempt: 1, crashes: 1 })],
  },
  { name: 'claim what is no job', program: 'run.mjs', prepare: (spool) => [plantGarbage(spool), plantPending(spool)] },
  {
    name: 'claim and park',
    program: 'run.mjs',
    prepare: (spool) => [plantPending(spool)],
    input: {
      settlement: { kind: 'park', delayMs: 50, parked: { reason: 'no worker here knows task echo', sinceMs: 1 } },
    },
  },
  {
    name: 'claim and rerun',
    program: 'run.mjs',
    prepare: (spool) => [plantPending(spool)],
    input: { settlement: { kind: 'rerun', delayMs: 50, crashes: 0, error: DEATH } },
  },
  {
    name: 'claim and retry over an older tail',
    program: 'run.mjs',
    prepare: (spool) => [plantPending(spool, { attempt: 1 })],
    input: { settlement: { kind: 'rerun', delayMs: 50, crashes: 0, error: { name: 'Error', message: 'not yet' } } },
  },
  {
    name: 'claim and requeue',
    program: 'run.mjs',
    prepare: (spool) => [plantPending(spool)],
    input: { settlement: { kind: 'requeue' } },
  },
  {
    name: 'promote',
    program: 'keep.mjs',
    prepare: (spool) => [plantDelayed(spool, 1), plantDelayed(spool, 2)],
    input: { until: 'promoted' },
  },
  {
    name: 'unpark',
    program: 'keep.mjs',
    prepare: plantParked,
    input: { until: 'promoted', unpark: ['echo'] },
    isRepeatedLater: ['EACCES'], // A job that may not be read is left to its time, within a minute.
  },
  { name: 'recover', program: 'keep.mjs', prepare: plantDead, input: { until: 'recovered' } },
  {
    name: 'recover after a recoverer',
    program: 'keep.mjs',
    prepare: plantDeadRecoverer,
    input: { until: 'recovered' },
  },
  {
    name: 'expire',
    program: 'keep.mjs',
    prepare: plantOldOutcomes,
    input: { until: 'expired', resultTtlMs: HOUR_MS },
    isRepeatedLater: true,
  },
  { name: 'sweep', program: 'keep.mjs', prepare: plantLeftovers, input: { until: 'swept' }, isRepeatedLater: true },
  {
    name: 'revoke what waits',
    program: 'revoke.mjs',
    prepare: (spool) => [revocable(plantPending(spool)), revocable(plantDelayed(spool, Date.now() + 40_000))],
    inputFrom: (planted) => ({ ids: planted.map(({ id }) => id) }),
  },
  {
    name: 'revoke what a dead process held',
    program: 'revoke.mjs',
    prepare: plantDeadRun,
    inputFrom: (planted) => ({ ids: planted.map(({ id }) => id) }),
  },
  {
    name: 'finish what a dead revoker began',
    program: 'keep.mjs',
    prepare: plantMarked,
    input: { until: 'unmarked' },
  },
  { name: 'start', program: 'start.mjs', prepare: () => [] },
  { name: 'shutdown', program: 'shutdown.mjs', prepare: () => [] },
  {
    name: 'observe',
    program: 'observe.mjs',
    prepare: (spool) => [plantPending(spool), ...plantOldOutcomes(spool)],
    inputFrom: ([waiting, ended]) => ({ waiting: waiting?.id, ended: ended?.id }),
  },
];

/** True when nobody may wait for what `errno` kept `operation` from doing. */
export function isRepeatedLater({ isRepeatedLater: errnos }: Operation, errno: string): boolean {
  return errnos === true || errnos?.includes(errno) === true;
}

/** Makes the spool of one try; its jobs. */
export function prepare(operation: Operation, spool: string): readonly Planted[] {
  if (operation.prepare === null) return [];
  openSpool({ path: spool, fsync: false });
  return operation.prepare(spool);
}

function nameOf({ job: { id }, queue, priority }: NewJob, counters: Partial<JobName> = {}): JobName {
  return { id, queue, priority, attempt: 0, crashes: 0, ...counters };
}

function textOf({ job: record }: NewJob, tail = '}'): string {
  return encodeBase(record).slice(0, -'\n}'.length) + (tail === '}' ? '\n}' : tail);
}

/** The record of the runs before: one that died. */
function history(attempt: number): string {
  return encodeTail([{ attempt, endedAtMs: 1, owner: someOwner(7), error: DEATH }], null);
}

function write(spool: string, path: string, text: string): void {
  writeFileSync(join(spool, path), text, { mode: 0o600 });
}

function plantPending(spool: string, counters: Partial<JobName> = {}): Planted {
  const planted = job();
  const text = counters.attempt === undefined ? textOf(planted) : textOf(planted, history(counters.attempt));
  write(spool, `pending/${jobFileName(nameOf(planted, counters))}`, text);
  return { id: planted.job.id, runs: 1, ends: 'succeeded' };
}

function plantGarbage(spool: string): Planted {
  const planted = job({ priority: 0 });
  write(spool, `pending/${jobFileName(nameOf(planted))}`, 'no JSON');
  return { id: planted.job.id, runs: 0, ends: 'failed' };
}

function plantDelayed(spool: string, dueAtMs: number, tail?: string): Planted {
  const planted = job();
  write(spool, `delayed/${delayedFileName(dueAtMs, nameOf(planted))}`, textOf(planted, tail));
  return { id: planted.job.id, runs: 1, ends: 'succeeded' };
}

function revocable(planted: Planted): Planted {
  return { ...planted, ends: 'revoked or succeeded' };
}

/** A run whose process died. */
function plantDeadRun(spool: string): readonly Planted[] {
  const held = job();
  plantDeadOwner(spool, someOwner(1), { [jobFileName(nameOf(held, { attempt: 1 }))]: textOf(held) });
  return [revocable({ id: held.job.id, runs: 1, ends: 'succeeded' })];
}

/** What is marked waits, was due, or ran in a process that died. */
function plantMarked(spool: string): readonly Planted[] {
  const planted = [plantPending(spool), plantDelayed(spool, 1), ...plantDeadRun(spool)].map(revocable);
  for (const { id } of planted) write(spool, `cancel/${id}`, '');
  return planted.map((one) => ({ ...one, runs: 0 }));
}

function plantParked(spool: string): readonly Planted[] {
  const tail = encodeTail([], { parked: { reason: 'no worker here knows task echo', sinceMs: 1 } });
  return [plantDelayed(spool, Date.now() + 40_000, tail), plantDelayed(spool, Date.now() + 50_000, tail)];
}

/** Everything that an owner can leave: a job just claimed, a torn tail, a whole outcome, one crash too many, no job at all. */
function plantDead(spool: string): readonly Planted[] {
  const { held, planted } = leftJobs();
  plantDeadOwner(spool, someOwner(1), held);
  return planted;
}

/** A recoverer that died too: with a directory of its own that comes before, and one after, those it had fenced. */
function plantDeadRecoverer(spool: string): readonly Planted[] {
  const { held, planted } = leftJobs();
  const last = job();
  plantDeadOwner(spool, someOwner(1), held, someOwner(4));
  plantDeadOwner(spool, someOwner(8), { [jobFileName(nameOf(last, { attempt: 1 }))]: textOf(last) }, someOwner(4));
  plantDeadOwner(spool, someOwner(4), {});
  return [...planted, { id: last.job.id, runs: 1, ends: 'succeeded' }];
}

function leftJobs(): { readonly held: Readonly<Record<string, string>>; readonly planted: readonly Planted[] } {
  const [fresh, torn, whole, poison, corrupt] = [job(), job(), job(), job(), job()];
  const outcome = encodeTail([{ attempt: 1, startedAtMs: 1, endedAtMs: 2, owner: someOwner(1) }], {
    outcome: { state: 'succeeded', value: { by: 'the dead' } },
    standing: nameOf(whole, { attempt: 1 }),
  });
  const held = {
    [jobFileName(nameOf(fresh, { attempt: 1 }))]: textOf(fresh),
    [jobFileName(nameOf(torn, { attempt: 2, crashes: 1 }))]: textOf(torn, outcome.slice(0, -9)),
    [jobFileName(nameOf(whole, { attempt: 1 }))]: textOf(whole, outcome),
    [jobFileName(nameOf(poison, { attempt: 4, crashes: 3 }))]: textOf(poison, history(3)),
    [jobFileName(nameOf(corrupt, { attempt: 1 }))]: '',
  };
  const planted = [fresh, torn, whole, poison, corrupt].map(
    ({ job: { id } }, i) => ({ id, runs: i < 2 ? 1 : 0, ends: i < 3 ? 'succeeded' : 'failed' }) as const,
  );
  return { held, planted };
}

/** Outcomes that ended two hours ago. */
function plantOldOutcomes(spool: string): readonly Planted[] {
  const atMs = Date.now() - 2 * HOUR_MS;
  const oldId = createIdSource(
    () => atMs,
    (n) => crypto.getRandomValues(new Uint8Array(n)),
  );
  return [oldId(), oldId(), oldId()].map((id) => {
    plantOutcome(spool, `results/${id}.json`, id);
    utimesSync(join(spool, `results/${id}.json`), atMs / 1_000, atMs / 1_000);
    return { id, runs: 0, ends: 'succeeded', isEnded: true };
  });
}

function plantOutcome(spool: string, path: string, id: string): void {
  const ended = job({ id, args: ['x'.repeat(500)] });
  const tail = encodeTail([{ attempt: 1, startedAtMs: 1, endedAtMs: 2, owner: someOwner(1) }], {
    outcome: { state: 'succeeded', value: { by: 'an earlier worker' } },
    standing: nameOf(ended, { attempt: 1 }),
  });
  write(spool, path, textOf(ended, tail));
}

/** Files to write into: longer than a new job, so that they have to be cut. */
function plantSpare(spool: string): readonly Planted[] {
  mkdirSync(join(spool, 'spare/batch'), { mode: 0o700 });
  for (const id of [nextId(), nextId(), nextId()]) plantOutcome(spool, `spare/batch/${id}.json`, id);
  return [];
}

/** What processes of an earlier boot left: drafts, a batch of spare files taken by a producer, records, a socket's name. */
function plantLeftovers(spool: string): readonly Planted[] {
  const writer = '77-1-deadbeef-deadbeef.00000000';
  write(spool, `tmp/${writer}.0`, '{"v":1');
  write(spool, `tmp/${writer}.1`, '');
  mkdirSync(join(spool, `tmp/${writer}.2`), { mode: 0o700 });
  plantOutcome(spool, `tmp/${writer}.2/${nextId()}.json`, nextId());
  plantDeadOwner(spool, someOwner(3), {});
  if (readdirSync(join(spool, 'tmp')).length !== 3) throw new Error('Expected three leftovers in tmp/');
  return [];
}
