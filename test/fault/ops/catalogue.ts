/** The operations under fire: for each a program of this folder, its input, and the spool it finds. */
import { openSpool } from '../../../src/spool/spool.ts';
import { COUNT } from './counting.ts';
import { SEND_INSTANTS } from './instants.ts';
import { MOVES } from './moving.ts';
import {
  DEATH,
  HOUR_MS,
  plantBeside,
  plantDead,
  plantDeadJournal,
  plantDeadOnce,
  plantDeadRecoverer,
  plantDeadRun,
  plantDebounced,
  plantDelayed,
  plantEnded,
  plantFollowed,
  plantFollower,
  plantGarbage,
  plantJournal,
  plantKeys,
  plantLeftovers,
  plantLimited,
  plantMarked,
  plantOldOutcomes,
  plantOnce,
  plantParked,
  plantPending,
  plantSpare,
  plantTaking,
  plantTooLate,
  revocable,
  type Planted,
} from './planting.ts';

export interface Operation {
  readonly name: string;
  /** The file in this folder. */
  readonly program: string;
  readonly input?: unknown;
  /** Fills a spool that is there and empty; null: there is none. */
  readonly prepare: ((spool: string) => readonly Planted[]) | null;
  /** What failed, or failed with one of these errors, is done again in a later round, or never: a test does not wait for it. */
  readonly isRepeatedLater?: true | readonly string[];
  /** Before a worker comes, the program runs once more, to its end: it goes on with what it has left. */
  readonly isGoneOnWith?: true;
  /** Keys of `echo` that must be free once all jobs have ended. */
  readonly keys?: readonly string[];
  /** Instants of the schedule `tick`: each has one job in the end. */
  readonly instants?: readonly number[];
  /** What else the program is told, from what was prepared. */
  readonly inputFrom?: (planted: readonly Planted[]) => unknown;
}

/** A job that may not be read is set aside and fails: then there is nothing to claim, and nobody waits for it. */
const SET_ASIDE = ['EACCES', 'EPERM'];

export const OPERATIONS: readonly Operation[] = [
  { name: 'establish', program: 'establish.mjs', prepare: null },
  { name: 'enqueue', program: 'enqueue.mjs', prepare: () => [] },
  { name: 'enqueue three at once', program: 'enqueue-three.mjs', prepare: () => [] },
  { name: 'enqueue a chord', program: 'enqueue-chord.mjs', prepare: () => [] },
  {
    name: 'enqueue unique',
    program: 'enqueue-unique.mjs',
    prepare: plantKeys,
    input: { keys: ['fresh', 'fresh', 'taken', 'used', 'left', 'void'] },
    keys: ['fresh', 'taken', 'used', 'left', 'void'],
  },
  {
    name: 'enqueue debounced',
    program: 'enqueue-debounced.mjs',
    prepare: plantDebounced,
    input: { keys: ['fresh', 'waiting', 'ready'], calls: 2 },
    keys: ['fresh', 'waiting', 'ready'],
  },
  SEND_INSTANTS,
  { name: 'enqueue through the journal', program: 'enqueue-journal.mjs', prepare: () => [] },
  { name: 'replay the journal', program: 'look.mjs', prepare: plantJournal },
  {
    name: 'free the journal of the dead',
    program: 'keep.mjs',
    prepare: plantDeadJournal,
    input: { until: 'freed' },
    isRepeatedLater: true,
  },
  { name: 'enqueue into spare files', program: 'enqueue-reuse.mjs', prepare: plantSpare },
  {
    name: 'claim and finish',
    program: 'run.mjs',
    prepare: (spool) => [plantPending(spool), plantPending(spool)],
    input: { jobs: 2 },
    isRepeatedLater: SET_ASIDE,
  },
  {
    name: 'claim, print and finish',
    program: 'run.mjs',
    prepare: (spool) => [plantPending(spool, { attempt: 1, crashes: 1 })],
    input: { prints: ['a line\n', 'no end'] },
    isRepeatedLater: SET_ASIDE,
  },
  {
    name: 'finish through the journal',
    program: 'run-journal.mjs',
    prepare: (spool) => [plantPending(spool), plantPending(spool)],
    isRepeatedLater: SET_ASIDE,
  },
  {
    name: 'send back through the journal',
    program: 'run-journal.mjs',
    prepare: (spool) => [plantPending(spool), plantPending(spool)],
    input: { settlement: { kind: 'rerun', delayMs: 50, crashes: 0, error: { name: 'Error', message: 'not yet' } } },
    isRepeatedLater: SET_ASIDE,
  },
  {
    name: 'claim and finish over an older tail',
    program: 'run.mjs',
    prepare: (spool) => [plantPending(spool, { attempt: 1, crashes: 1 })],
    isRepeatedLater: SET_ASIDE,
  },
  {
    name: 'claim what is no job',
    program: 'run.mjs',
    prepare: (spool) => [plantGarbage(spool), plantPending(spool)],
    isRepeatedLater: SET_ASIDE,
  },
  {
    name: 'claim and park',
    program: 'run.mjs',
    prepare: (spool) => [plantPending(spool)],
    input: {
      settlement: { kind: 'park', delayMs: 50, parked: { reason: 'no worker here knows task echo', sinceMs: 1 } },
    },
    isRepeatedLater: SET_ASIDE,
  },
  {
    name: 'claim and rerun',
    program: 'run.mjs',
    prepare: (spool) => [plantPending(spool)],
    input: { settlement: { kind: 'rerun', delayMs: 50, crashes: 0, error: DEATH } },
    isRepeatedLater: SET_ASIDE,
  },
  {
    name: 'claim and retry over an older tail',
    program: 'run.mjs',
    prepare: (spool) => [plantPending(spool, { attempt: 1 })],
    input: { settlement: { kind: 'rerun', delayMs: 50, crashes: 0, error: { name: 'Error', message: 'not yet' } } },
    isRepeatedLater: SET_ASIDE,
  },
  {
    name: 'claim and requeue',
    program: 'run.mjs',
    prepare: (spool) => [plantPending(spool)],
    input: { settlement: { kind: 'requeue' } },
    isRepeatedLater: SET_ASIDE,
  },
  {
    name: 'claim what is too late',
    program: 'run.mjs',
    prepare: (spool) => [plantTooLate(spool), plantPending(spool)],
    input: { jobs: 2 },
    isRepeatedLater: SET_ASIDE,
  },
  {
    name: 'claim and finish what must not run twice',
    program: 'run.mjs',
    prepare: (spool) => [plantOnce(spool)],
    isRepeatedLater: SET_ASIDE,
  },
  {
    name: 'claim, show progress, keep checkpoints and finish',
    program: 'beside.mjs',
    prepare: (spool) => [plantPending(spool)],
    isRepeatedLater: SET_ASIDE,
  },
  {
    name: 'claim, show progress, keep checkpoints and requeue',
    program: 'beside.mjs',
    prepare: (spool) => [plantPending(spool)],
    input: { settlement: { kind: 'requeue' } },
    isRepeatedLater: SET_ASIDE,
  },
  {
    name: 'sweep what lies beside no job',
    program: 'keep.mjs',
    prepare: plantBeside,
    input: { until: 'besideSwept', resultTtlMs: 100 * HOUR_MS },
    isRepeatedLater: true,
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
    isRepeatedLater: ['EACCES', 'EPERM'], // A job that may not be read is left to its time, within a minute.
  },
  { name: 'recover', program: 'keep.mjs', prepare: plantDead, input: { until: 'recovered' } },
  {
    name: 'recover after a recoverer',
    program: 'keep.mjs',
    prepare: plantDeadRecoverer,
    input: { until: 'recovered' },
  },
  {
    name: 'recover what must not run twice',
    program: 'keep.mjs',
    prepare: plantDeadOnce,
    input: { until: 'recovered' },
  },
  {
    name: 'recover a run that had its time',
    program: 'overtime.mjs',
    prepare: (spool) => plantLimited(spool, 0),
    inputFrom: ([late]) => ({ late: late?.id }),
    isRepeatedLater: SET_ASIDE,
  },
  {
    name: 'recover a run that had its time and has a retry',
    program: 'overtime.mjs',
    prepare: (spool) => plantLimited(spool, 1),
    inputFrom: ([late]) => ({ late: late?.id }),
    isRepeatedLater: SET_ASIDE,
  },
  {
    name: 'recover a child with many jobs, one of them to blame',
    program: 'overtime.mjs',
    prepare: (spool) => [
      ...plantLimited(spool, 1),
      { ...plantPending(spool), runs: 2 },
      { ...plantPending(spool), runs: 2 },
    ],
    input: { jobs: 4 },
    inputFrom: ([late]) => ({ late: late?.id }),
    isRepeatedLater: SET_ASIDE,
  },
  {
    name: 'expire',
    program: 'keep.mjs',
    prepare: plantOldOutcomes,
    input: { until: 'expired', resultTtlMs: HOUR_MS },
    isRepeatedLater: true,
  },
  {
    name: 'sweep',
    program: 'keep.mjs',
    prepare: plantLeftovers,
    input: { until: 'swept' },
    isRepeatedLater: true,
  },
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
  {
    name: 'claim what waits for another, and finish that',
    program: 'run.mjs',
    prepare: plantFollowed,
    isRepeatedLater: SET_ASIDE,
  },
  {
    name: 'claim what takes values',
    program: 'run.mjs',
    prepare: plantTaking,
    input: { takes: true },
    isRepeatedLater: SET_ASIDE,
  },
  {
    name: 'promote what waited for another',
    program: 'keep.mjs',
    prepare: plantFollower,
    input: { until: 'promoted' },
  },
  {
    name: 'send back what has ended',
    program: 'retry.mjs',
    prepare: plantEnded,
    inputFrom: (planted) => ({ ids: planted.map(({ id }) => id) }),
    keys: ['again'],
  },
  {
    name: 'forget what has ended, and tidy',
    program: 'forget.mjs',
    prepare: plantOldOutcomes,
    inputFrom: (planted) => ({ ids: planted.map(({ id }) => id), resultTtlMs: HOUR_MS }),
    isRepeatedLater: true,
  },
  {
    name: 'hold back at a limit',
    program: 'hold-back.mjs',
    prepare: (spool) => [plantPending(spool), plantPending(spool)],
    isRepeatedLater: SET_ASIDE,
  },
  {
    name: 'hold back at a limit for each key',
    program: 'hold-back.mjs',
    prepare: (spool) => [plantPending(spool, {}, { limitKey: 'a' }), plantPending(spool, {}, { limitKey: 'a' })],
    input: { isKeyed: true },
    isRepeatedLater: SET_ASIDE,
  },
  ...MOVES,
  COUNT,
  { name: 'pause and resume', program: 'pause.mjs', prepare: (spool) => [plantPending(spool)] },
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
