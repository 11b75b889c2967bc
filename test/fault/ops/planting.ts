/** What lies in a spool before an operation begins: jobs, dead owners with what they held, outcomes, leftovers. */
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NewJob } from '../../../src/broker/broker.ts';
import { encodeBase } from '../../../src/job/document.ts';
import { encodeTail } from '../../../src/job/tail.ts';
import { createIdSource } from '../../../src/job/names.ts';
import type { JobOptions } from '../../../src/job/job-options.ts';
import { nodeFiles } from '../../../src/spool/disk/files.ts';
import { bootId, writerName } from '../../../src/spool/disk/identity.ts';
import {
  bytesOffset,
  encodeHeader,
  HEADER_BYTES,
  recordBytes,
  sealRecord,
} from '../../../src/spool/journal/segment.ts';
import { keyDirectory } from '../../../src/spool/keys/key-holders.ts';
import { AFTER_ANOTHER_MS, delayedFileName, jobFileName, type JobName, layoutOf } from '../../../src/spool/layout.ts';
import { EARLIER_BOOT } from '../../support/boots.ts';
import { job, nextId } from '../../support/factory.ts';
import { plantDeadOwner, someOwner, tornInCharacter } from '../../support/owners.ts';

/** A job that the spool holds before the operation begins. */
export interface Planted {
  readonly id: string;
  /** How often it may begin if no process dies any more. */
  readonly runs: 0 | 1 | 2;
  /** It never begins a second time, whatever dies. */
  readonly isOnce?: true;
  /** How it ends, unless the disk keeps it from being read. */
  readonly ends:
    'succeeded' | 'failed' | 'expired' | 'failed or succeeded' | 'revoked or succeeded' | 'expired or succeeded';
  /** It had ended before, and may expire. */
  readonly isEnded?: boolean;
}

export const HOUR_MS = 3_600_000;
export const DEATH = { name: 'WorkerLostError', message: 'The process that ran attempt 1 died.' };

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

/** A job that waits for its second run, one that has succeeded, and one that is forgotten, each with files beside it. */
export function plantBeside(spool: string): readonly Planted[] {
  const waiting = plantPending(spool, { attempt: 1 });
  const [ended = waiting] = plantOldOutcomes(spool);
  for (const id of [waiting.id, ended.id, nextId()]) {
    for (const folder of ['progress', 'checkpoints']) {
      mkdirSync(join(spool, folder), { recursive: true, mode: 0o700 });
      write(spool, `${folder}/${id}.json`, '{"v":1,"attempt":1,"atMs":1,"value":0.5}\n');
    }
  }
  return [waiting, ended];
}

export function plantPending(spool: string, counters: Partial<JobName> = {}, options: JobOptions = {}): Planted {
  const planted = job({ options });
  const text = counters.attempt === undefined ? textOf(planted) : textOf(planted, history(counters.attempt));
  write(spool, `pending/${jobFileName(nameOf(planted, counters))}`, text);
  return { id: planted.job.id, runs: 1, ends: 'succeeded' };
}

/** Two jobs that a process took one after the other. The first has its time limit and may be retried; the other runs again. */
export function plantLimited(spool: string, retries: 0 | 1): readonly Planted[] {
  const options: JobOptions = {
    retries,
    timeLimitMs: 1_000,
    backoff: { initialMs: 50, factor: 1, maxMs: 50, jitter: false },
  };
  const late = plantPending(spool, {}, options);
  return [
    // Whoever recovers it without knowing of the limit takes it for a crash.
    { ...late, runs: retries === 0 ? 1 : 2, ends: 'failed or succeeded' },
    { ...plantPending(spool), runs: 2 },
  ];
}

/** Too late to be begun. */
export function plantTooLate(spool: string): Planted {
  return { ...plantPending(spool, {}, { expiresAtMs: 1 }), runs: 0, ends: 'expired' };
}

/** It must not run twice. */
export function plantOnce(spool: string): Planted {
  return { ...plantPending(spool, {}, { onCrash: 'fail', retries: 3 }), isOnce: true, ends: 'failed or succeeded' };
}

/** What a process that died had begun and must not be begun again: just claimed, half ended, and ended; beside it one that may. */
export function plantDeadOnce(spool: string): readonly Planted[] {
  const options: JobOptions = { onCrash: 'fail', retries: 3 };
  const [fresh, torn, whole, other] = [job({ options }), job({ options }), job({ options }), job()];
  const outcome = encodeTail([{ attempt: 1, startedAtMs: 1, endedAtMs: 2, owner: someOwner(1) }], {
    outcome: { state: 'succeeded', value: { by: 'the dead 世' } },
    standing: nameOf(whole, { attempt: 1 }),
  });
  plantDeadOwner(spool, someOwner(1), {
    [jobFileName(nameOf(fresh, { attempt: 1 }))]: textOf(fresh),
    [jobFileName(nameOf(torn, { attempt: 1 }))]: tornInCharacter(textOf(torn, outcome)),
    [jobFileName(nameOf(whole, { attempt: 1 }))]: textOf(whole, outcome),
    [jobFileName(nameOf(other, { attempt: 1 }))]: textOf(other),
  });
  return [
    { id: fresh.job.id, runs: 0, ends: 'failed' },
    { id: torn.job.id, runs: 0, ends: 'failed' },
    { id: whole.job.id, runs: 0, ends: 'succeeded' },
    { id: other.job.id, runs: 1, ends: 'succeeded' },
  ];
}

export function plantGarbage(spool: string): Planted {
  const planted = job({ priority: 0 });
  write(spool, `pending/${jobFileName(nameOf(planted))}`, 'no JSON');
  return { id: planted.job.id, runs: 0, ends: 'failed' };
}

export function plantDelayed(spool: string, dueAtMs: number, tail?: string): Planted {
  const planted = job();
  write(spool, `delayed/${delayedFileName(dueAtMs, nameOf(planted))}`, textOf(planted, tail));
  return { id: planted.job.id, runs: 1, ends: 'succeeded' };
}

export function revocable(planted: Planted): Planted {
  return { ...planted, ends: 'revoked or succeeded' };
}

/** A journal of an earlier boot that records three jobs: of one there is no file, of one a broken file, and one is whole. */
export function plantJournal(spool: string): readonly Planted[] {
  const [lost, broken, whole] = [job(), job(), job()];
  const directory = `journal/${EARLIER_BOOT}`;
  mkdirSync(join(spool, directory), { mode: 0o700 });
  writeFileSync(join(spool, directory, 'segment'), segmentOf(EARLIER_BOOT, [lost, broken, whole]), { mode: 0o600 });
  write(spool, `pending/${jobFileName(nameOf(broken))}`, '');
  write(spool, `pending/${jobFileName(nameOf(whole))}`, textOf(whole));
  return [lost, broken, whole].map(({ job: { id } }) => ({ id, runs: 1, ends: 'succeeded' }));
}

/** A journal of this boot whose process is dead. */
export function plantDeadJournal(spool: string): readonly Planted[] {
  const planted = job();
  const directory = `journal/${bootId(nodeFiles) ?? ''}`;
  mkdirSync(join(spool, directory), { mode: 0o700 });
  const name = `${writerName(nodeFiles, process.pid).replace(/^\d+/, '4194304')}.aaaaaaaa.0`;
  writeFileSync(join(spool, directory, name), segmentOf(bootId(nodeFiles) ?? '', [planted]), { mode: 0o600 });
  write(spool, `pending/${jobFileName(nameOf(planted))}`, textOf(planted));
  return [{ id: planted.job.id, runs: 1, ends: 'succeeded' }];
}

function segmentOf(boot: string, jobs: readonly NewJob[]): Buffer {
  const bytes = Buffer.alloc(4_096);
  encodeHeader({ generation: 1, boot, owner: 'somebody' }).copy(bytes);
  let at = HEADER_BYTES;
  for (const recorded of jobs) {
    const path = `pending/${jobFileName(nameOf(recorded))}`;
    const base = Buffer.from(encodeBase(recorded.job));
    base.copy(bytes, at + bytesOffset(path));
    sealRecord(bytes, at, 1, path, base.length);
    at += recordBytes(path, base.length);
  }
  return bytes;
}

/** A run whose process died. */
export function plantDeadRun(spool: string): readonly Planted[] {
  const held = job();
  plantDeadOwner(spool, someOwner(1), { [jobFileName(nameOf(held, { attempt: 1 }))]: textOf(held) });
  return [revocable({ id: held.job.id, runs: 1, ends: 'succeeded' })];
}

/** What is marked waits, was due, or ran in a process that died. */
export function plantMarked(spool: string): readonly Planted[] {
  const planted = [plantPending(spool), plantDelayed(spool, 1), ...plantDeadRun(spool)].map(revocable);
  for (const { id } of planted) write(spool, `cancel/${id}`, '');
  return planted.map((one) => ({ ...one, runs: 0 }));
}

/** A job, and a more urgent one that is to run after it. */
export function plantFollowed(spool: string): readonly Planted[] {
  const first = plantPending(spool);
  return [first, plantPending(spool, { priority: 0 }, { after: first.id })];
}

/** One that waits for two jobs that have ended meanwhile, and takes their values. */
export function plantFollower(spool: string): readonly Planted[] {
  const { follower, planted } = afterTwo(spool);
  write(spool, `delayed/${delayedFileName(AFTER_ANOTHER_MS, nameOf(follower))}`, textOf(follower));
  return planted;
}

/** The same when it is ready. */
export function plantTaking(spool: string): readonly Planted[] {
  const { follower, planted } = afterTwo(spool);
  write(spool, `pending/${jobFileName(nameOf(follower))}`, textOf(follower));
  return planted;
}

function afterTwo(spool: string): { readonly follower: NewJob; readonly planted: readonly Planted[] } {
  const after = [nextId(), nextId()];
  for (const id of after) plantOutcome(spool, `results/${id}.json`, id);
  const follower = job({ options: { after, takes: 'values' } });
  const ended = after.map((id): Planted => ({ id, runs: 0, ends: 'succeeded' }));
  return { follower, planted: [...ended, { id: follower.job.id, runs: 1, ends: 'succeeded' }] };
}

/** Jobs that failed, one of them with a key, that were revoked, with the marker there, and that expired. */
export function plantEnded(spool: string): readonly Planted[] {
  const [failed, keyed, revoked, expired] = [
    job(),
    job({ options: { key: 'again' } }),
    job(),
    job({ options: { expiresAtMs: 1 } }),
  ];
  const end = (of: NewJob, state: 'failed' | 'revoked' | 'expired'): Planted => {
    const run = { attempt: 1, startedAtMs: 1, endedAtMs: 2, owner: someOwner(1), error: DEATH };
    const outcome = { state, error: DEATH };
    const tail =
      state === 'failed'
        ? encodeTail([run], { outcome, standing: nameOf(of, { attempt: 1 }) })
        : encodeTail([], { outcome, standing: nameOf(of, { attempt: 1 }), endedAtMs: Date.now() });
    write(spool, `results/${of.job.id}.json`, textOf(of, tail));
    return { id: of.job.id, runs: 1, ends: `${state} or succeeded` };
  };
  write(spool, `cancel/${revoked.job.id}`, '');
  const directory = keyDirectory(layoutOf(spool), 'echo', 'again');
  mkdirSync(directory, { mode: 0o700 });
  writeFileSync(join(directory, keyed.job.id), '', { mode: 0o600 });
  return [end(failed, 'failed'), end(keyed, 'failed'), end(revoked, 'revoked'), end(expired, 'expired')];
}

export function plantParked(spool: string): readonly Planted[] {
  const tail = encodeTail([], { parked: { reason: 'no worker here knows task echo', sinceMs: 1 } });
  return [plantDelayed(spool, Date.now() + 40_000, tail), plantDelayed(spool, Date.now() + 50_000, tail)];
}

/** Everything that an owner can leave: a job just claimed, a torn tail, a whole outcome, one crash too many, no job at all. */
export function plantDead(spool: string): readonly Planted[] {
  const { held, planted } = leftJobs();
  plantDeadOwner(spool, someOwner(1), held);
  return planted;
}

/** A recoverer that died too: with a directory of its own that comes before, and one after, those it had fenced. */
export function plantDeadRecoverer(spool: string): readonly Planted[] {
  const { held, planted } = leftJobs();
  const last = job();
  plantDeadOwner(spool, someOwner(1), held, someOwner(4));
  plantDeadOwner(spool, someOwner(8), { [jobFileName(nameOf(last, { attempt: 1 }))]: textOf(last) }, someOwner(4));
  plantDeadOwner(spool, someOwner(4), {});
  return [...planted, { id: last.job.id, runs: 1, ends: 'succeeded' }];
}

function leftJobs(): {
  readonly held: Readonly<Record<string, string | Buffer>>;
  readonly planted: readonly Planted[];
} {
  const [fresh, torn, whole, poison, corrupt] = [job(), job(), job(), job(), job()];
  const outcome = encodeTail([{ attempt: 1, startedAtMs: 1, endedAtMs: 2, owner: someOwner(1) }], {
    outcome: { state: 'succeeded', value: { by: 'the dead 世' } },
    standing: nameOf(whole, { attempt: 1 }),
  });
  const held = {
    [jobFileName(nameOf(fresh, { attempt: 1 }))]: textOf(fresh),
    [jobFileName(nameOf(torn, { attempt: 2, crashes: 1 }))]: tornInCharacter(textOf(torn, outcome)),
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
export function plantOldOutcomes(spool: string): readonly Planted[] {
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
export function plantSpare(spool: string): readonly Planted[] {
  mkdirSync(join(spool, 'spare/batch'), { mode: 0o700 });
  for (const id of [nextId(), nextId(), nextId()]) plantOutcome(spool, `spare/batch/${id}.json`, id);
  return [];
}

/** What dead processes left: drafts, a batch of spare files taken by a producer, records, a socket's name. */
export function plantLeftovers(spool: string): readonly Planted[] {
  // Its pid is above all that there can be.
  const writer = `${writerName(nodeFiles, process.pid).replace(/^\d+/, '4194305')}.00000000`;
  write(spool, `tmp/${writer}.0`, '{"v":1');
  write(spool, `tmp/${writer}.1`, '');
  mkdirSync(join(spool, `tmp/${writer}.2`), { mode: 0o700 });
  plantOutcome(spool, `tmp/${writer}.2/${nextId()}.json`, nextId());
  plantDeadOwner(spool, someOwner(3), {});
  if (readdirSync(join(spool, 'tmp')).length !== 3) throw new Error('Expected three leftovers in tmp/');
  return [];
}

/** A key whose job waits, one whose job has ended, one that a dead producer wanted, and one that was never had. */
export function plantKeys(spool: string): readonly Planted[] {
  const hold = (key: string, name: string, text: string): void => plantHolder(spool, key, name, text);
  const taken = plantPending(spool);
  hold('taken', taken.id, '');
  const ended = nextId();
  plantOutcome(spool, `results/${ended}.json`, ended);
  hold('used', ended, '');
  // Younger than what the program sends, which waits for nobody then.
  const young = createIdSource(
    () => Date.now() + HOUR_MS,
    (n) => crypto.getRandomValues(new Uint8Array(n)),
  )();
  hold('left', `${young}.json`, textOf(job({ id: young })));
  hold('left', young, '');
  hold('void', nextId(), textOf(job()));
  return [taken, { id: ended, runs: 0, ends: 'succeeded' }];
}

export function plantHolder(spool: string, key: string, name: string, text = ''): void {
  const directory = keyDirectory(layoutOf(spool), 'echo', key);
  mkdirSync(directory, { mode: 0o700, recursive: true });
  writeFileSync(join(directory, name), text, { mode: 0o600 });
}

/** Jobs that stand for keys and have not begun: one waits for its time, one is ready. */
export function plantDebounced(spool: string): readonly Planted[] {
  const waiting = plantDelayed(spool, Date.now() + HOUR_MS);
  const ready = plantPending(spool);
  plantHolder(spool, 'waiting', waiting.id);
  plantHolder(spool, 'ready', ready.id);
  return [waiting, ready];
}
