/**
 * Moving jobs from one place to another, so that none is lost and none runs in both, whenever a process dies or the power is cut. Both
 * places keep a note of the move, under one id, from before the first job leaves until the last one has arrived. A job takes four steps,
 * each durable before the next:
 *
 *   source     destination
 *   waits      –
 *   leaves     –              `take`: no worker of the source gets it any more
 *   leaves     arrives        `accept`: all of it is there, and no worker gets it yet
 *   –          arrives        `letGo`
 *   –          waits          `release`
 *
 * So it can be run in one place at most, and lies whole in one at least. A move that ended on the way is gone on with from what is found:
 * what leaves is accepted, which changes nothing where it arrives already, and let go; what arrives is released. Nothing needs to be known of
 * a job that has been released: it may have run and be forgotten. (test/fault/ops/moving.ts kills whoever moves at every call.)
 */
import type { FsqError } from '../job/errors.ts';
import type { JobRecord, Standing } from '../job/job.ts';
import type { JsonValue } from '../job/values/json.ts';
import { inShell } from '../job/text.ts';
import type { LogLine } from '../job/values/log-lines.ts';
import type { Progress } from '../job/values/progress.ts';

/** All that one place tells another about a job. */
export interface MovedJob {
  readonly record: JobRecord;
  readonly standing: Standing;
  /** Not ready before this time, Unix ms; null: ready, or ended, or it waits for other jobs. */
  readonly dueAtMs: number | null;
  /** It waits for the end of other jobs. */
  readonly isFollower: boolean;
  /** How it stands for its key; null: it stands for none any more. */
  readonly key: { readonly untilMs: number | null } | null;
  readonly isRevoked: boolean;
  readonly progress: Progress | null;
  readonly checkpoint: MovedCheckpoint | null;
  readonly log: readonly LogLine[];
}

export interface MovedCheckpoint {
  readonly value: JsonValue;
  readonly attempt: number | null;
  /** Unix ms. */
  readonly atMs: number | null;
}

/** A job, or why its file is none: such a job cannot be moved. */
export type MoveReading = { readonly job: MovedJob } | { readonly error: FsqError };

/** What both ends can do. One process at a time works at a move, and one place has part in one move at a time. */
interface MoveEnd {
  /** Names the move at both ends. */
  readonly id: string;
  /** A process that has ended began it. */
  readonly isResumed: boolean;
  /** The jobs that leave, or that arrive. */
  underway(): Promise<readonly string[]>;
  /** No job is under way: the note goes, durably. The destination finishes before the source. */
  finish(): Promise<void>;
  /** This process has no part in the move any more. A move that is not finished may be gone on with. */
  close(): Promise<void>;
}

/** A move that is not finished, as one of its two places tells of it. */
export interface UnfinishedMove {
  readonly from: string;
  readonly to: string;
  /** A process works at it, or has died within the last seconds. Else somebody has to go on with it. */
  readonly isGoing: boolean;
  /** Jobs on their way that lie here: nobody takes them. */
  readonly ids: readonly string[];
}

/** What goes on with a move. */
export function commandFor({ from, to }: Pick<UnfinishedMove, 'from' | 'to'>): string {
  return `fsq migrate --from ${inShell(from)} --to ${inShell(to)}`;
}

/** The end that jobs leave. Workers may run here meanwhile. */
export interface Departure extends MoveEnd {
  /** The other place, as the process said that began the move. */
  readonly to: string;
  /** From now on nobody here gets those of `ids` that wait; who asks finds them delayed. @returns those that were to be had */
  take(ids: readonly string[]): Promise<readonly string[]>;
  /** Those of `ids` that leave, or have ended. */
  read(ids: readonly string[]): Promise<ReadonlyMap<string, MoveReading>>;
  /** These wait again as before. None of them may be in the other place. */
  giveBack(ids: readonly string[]): Promise<void>;
  /**
   * These are not here any more.
   *
   * @returns those of which somebody has said here that they are revoked, also those that were let go before
   * @throws SpoolError when it is not sure: then they may be let go again
   */
  letGo(ids: readonly string[]): Promise<readonly string[]>;
}

/** The end where jobs arrive. Workers may run here meanwhile, and others may send jobs. */
export interface Arrival extends MoveEnd {
  /**
   * From now on these arrive; who asks finds them delayed. One that arrives already stays as it is, and one that stands for a key stands for
   * it here.
   *
   * @returns why not, for those that cannot: another job has the key, or the id
   */
  accept(jobs: readonly MovedJob[]): Promise<ReadonlyMap<string, FsqError>>;
  /** The outcomes of jobs that have ended elsewhere are here, unless a job of that id is. */
  acceptOutcomes(jobs: readonly MovedJob[]): Promise<void>;
  /** These do not arrive after all. */
  discard(ids: readonly string[]): Promise<void>;
  /** These wait here now, as any job does. */
  release(ids: readonly string[]): Promise<void>;
}
