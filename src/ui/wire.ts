/**
 * What the page and its server say to one another, as JSON. Times are Unix ms, durations ms. The page imports these types alone, and no code;
 * the server trusts nothing that it is sent: see parse.ts.
 */
import type { JsonValue } from '../job/values/json.ts';
import type { WorkerSummary } from './wire-workers.ts';

/** A job's state as a filter and a table name it. */
export type StateName = 'pending' | 'delayed' | 'parked' | 'running' | 'succeeded' | 'failed' | 'revoked' | 'expired';

/** `GET api/session`: what the page may do, and where it is. */
export interface Session {
  readonly version: string;
  /** The place that keeps the jobs, for people: a path, or an address without its password. */
  readonly place: string;
  /** Behind a command of fsq, so that it means this place in any folder: ` --spool DIR`; empty where the settings of the project name it. */
  readonly placeOption: string;
  /** A page that only looks: the server refuses every act. */
  readonly isReadOnly: boolean;
  /** Arguments, values, checkpoints and details of progress are left out of every answer. */
  readonly hidesArguments: boolean;
}

/** `GET api/summary`, and the event `summary` of `GET api/events`: what is worked out once for all pages, each second at most. */
export interface Summary {
  readonly atMs: number;
  /** Why the place cannot be looked at just now; null: it can, and all below is of `atMs`. */
  readonly trouble: string | null;
  readonly verdict: {
    readonly status: 'ok' | 'warning' | 'critical';
    readonly text: string;
    /** The part of `text` that tells of failures; null: none does. */
    readonly failures: string | null;
  };
  /** A sentence or two each; commands stand in backticks. */
  readonly advice: readonly string[];
  readonly counts: Readonly<Record<StateName, number>>;
  /** Rates and times lately; the earliest slot first, each of equal length. The last slot goes on. */
  readonly minutes: Activity;
  readonly day: Activity;
  readonly queues: readonly QueueSummary[];
  readonly workers: readonly WorkerSummary[];
  /** How far the index of jobs is: of every job that is there. */
  readonly index: { readonly read: number; readonly isComplete: boolean };
}

/** Of 15 minutes by quarter minutes, or of a day by five minutes. */
export interface Activity {
  readonly slotMs: number;
  /** When the first slot begins. */
  readonly fromMs: number;
  readonly ended: readonly number[];
  /** Those that failed, among `ended`. */
  readonly failed: readonly number[];
  /** Null: nothing was counted. */
  readonly wait: Quantiles | null;
  readonly run: Quantiles | null;
}

export type Quantiles = Readonly<Record<'p50' | 'p95' | 'p99', number>>;

export interface QueueSummary {
  readonly name: string;
  readonly ready: number;
  readonly delayed: number;
  readonly running: number;
  readonly failed: number;
  /** How long its oldest ready job has waited; null: none is ready. */
  readonly oldestMs: number | null;
  readonly isPaused: boolean;
  /** Whether a living worker takes its jobs. */
  readonly isServed: boolean;
  /** Jobs that ended in each minute of the last 15, the earliest first, as the index has them; null while nobody knows. */
  readonly ended: readonly number[] | null;
}

/** Which jobs: the query of `GET api/jobs`, `GET api/failures` and of acts on all that match. An absent part is not asked. */
export interface JobQuery {
  readonly states?: readonly StateName[];
  readonly tasks?: readonly string[];
  readonly queues?: readonly string[];
  /** An owner, or a pid. */
  readonly worker?: string;
  /** Of a unique job. */
  readonly key?: string;
  /** Sent, or else started, or ended this long ago at most, such as '1h'. */
  readonly since?: string;
  /** Part of 'Name: message' of the error. */
  readonly error?: string;
  /** Part of the JSON of the arguments, or the beginning of the id. */
  readonly text?: string;
  /** A group of failures, by its `key`. */
  readonly group?: string;
}

/** `GET api/jobs?state=failed,parked&task=…&queue=…&worker=…&key=…&since=…&error=…&text=…&group=…&before=CURSOR`: newest first, 100 at most. */
export interface JobPage {
  readonly jobs: readonly JobRow[];
  /** For the next page: give it as `before`; null: this is the last. */
  readonly next: string | null;
  /** How many match in all, as the index has it; null where a `text` makes more jobs be read: `GET api/count?…`, with the same query, gives `{ count }`. */
  readonly total: number | null;
  /** How many would match in each state, whatever the query says of states; null where a `text` makes more jobs be read. */
  readonly states: Readonly<Record<StateName, number>> | null;
  /** False: the index is not complete yet, or the time for one answer was over; what is missing comes when asked again, or by `next`. */
  readonly isComplete: boolean;
  /** How many jobs of those that may match were read for the `text`, from `before` on; each is read once. Null: no text in arguments is asked. */
  readonly search: { readonly read: number; readonly of: number } | null;
}

export interface JobRow {
  readonly id: string;
  /** Null when it cannot be read. */
  readonly task: string | null;
  readonly state: StateName;
  readonly queue: string;
  readonly priority: number;
  readonly attempt: number;
  readonly key: string | null;
  readonly sentAtMs: number | null;
  readonly dueAtMs: number | null;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  /** How long its last attempt took; null: it has not ended, was never run, or nobody knows. */
  readonly tookMs: number | null;
  readonly owner: string | null;
  /** 'Name: message' of its end, or else of its last attempt; 400 characters at most. */
  readonly error: string | null;
  /** 'Name: message' of its last cause, or of the first of the errors that it is made of; null: it has neither. */
  readonly root: string | null;
  /** The beginning of its arguments, 80 characters at most; null: they are hidden, or cannot be read. */
  readonly preview: string | null;
  /** 0 to 1; null: none was told. */
  readonly progress: number | null;
  /** Of how many jobs it waits for the end, and how many of these have ended; null: of none. */
  readonly waitsFor: { readonly jobs: number; readonly ended: number } | null;
}

/** `GET api/jobs/ID`. 404 with an Answer where there is no such job. */
export interface JobDetail extends JobRow {
  readonly crashes: number;
  /** A path or a key, to be copied. */
  readonly location: string;
  /** Commands that do the same as the buttons, or show more, to be copied. */
  readonly commands: readonly { readonly what: string; readonly command: string }[];
  /** Why it is where it is, and what would move it: what `fsq explain` says. */
  readonly reasons: readonly string[];
  /** Stretches of its life, the latest, for a timeline; null where the job cannot be read. */
  readonly timeline: readonly JobStretch[] | null;
  readonly waitedMs: number | null;
  readonly ranMs: number | null;
  readonly totalMs: number | null;
  /** The latest of them. */
  readonly attempts: readonly JobAttempt[];
  /** How many of what there is too much of for a page are not among the above and below. */
  readonly leftOut: { readonly attempts: number; readonly stretches: number; readonly headers: number };
  readonly parked: string | null;
  readonly isRevoked: boolean;
  /** Undefined (absent): there is none, or it is hidden. */
  readonly args?: readonly JsonValue[];
  readonly value?: JsonValue;
  readonly checkpoint?: JsonValue;
  readonly headers: Readonly<Record<string, string>>;
  /** Options that its call gave, in words, such as ['retries', '3']. */
  readonly options: readonly (readonly [name: string, text: string])[];
  /** By its name, how long the JSON of what is cut is, in characters: of that the beginning comes, as a text (of arguments an array of that alone). */
  readonly cut: Readonly<Record<string, number>>;
  readonly progressDetail: {
    readonly done: number | null;
    readonly total: number | null;
    readonly detail?: JsonValue;
  } | null;
  /** Its chain or chord as an indented tree, itself among them; empty: it belongs to none. Jobs of a group that nothing follows do not know of one another. */
  readonly family: readonly FamilyMember[];
  /** False: there are more in it, which are too many or too far away for one look. */
  readonly isFamilyWhole: boolean;
  /** What may be done with it now. */
  readonly acts: readonly ('retry' | 'retry-anew' | 'revoke' | 'kill' | 'forget')[];
}

export interface JobStretch {
  /** For people, such as 'waited for its turn' or 'attempt 2 failed'. */
  readonly text: string;
  /** `ended`: it had, until it was sent back. */
  readonly kind: 'waited' | 'ended' | 'ran' | 'untold';
  readonly end: 'succeeded' | 'failed' | 'revoked' | 'expired' | 'lost' | 'runs' | null;
  readonly fromMs: number | null;
  readonly toMs: number | null;
}

export interface JobAttempt {
  readonly attempt: number;
  readonly startedAtMs: number | null;
  /** Null: it runs. */
  readonly endedAtMs: number | null;
  readonly owner: string;
  readonly error: JobError | null;
  /** As its stretch in the timeline says it, for a mark and in words such as 'lost its process'. */
  readonly end: NonNullable<JobStretch['end']>;
  readonly how: string;
  readonly output: readonly { readonly stream: string; readonly atMs: number; readonly text: string }[];
  /** Lines that are left out before `output`; null: some may be, since only the end of a long log was read. `fsq logs ID` shows all. */
  readonly outputLeftOut: number | null;
}

export interface JobError {
  readonly name: string;
  readonly message: string;
  readonly code: string | null;
  readonly stack: string | null;
  readonly cause: JobError | null;
  /** Of an AggregateError or a SuppressedError: those that it is made of. */
  readonly errors: readonly JobError[];
  /** Of its cause and `errors`, how many are not shown. */
  readonly leftOut: number;
}

export interface FamilyMember {
  readonly id: string;
  readonly depth: number;
  readonly task: string | null;
  /** Null: it is there no more. */
  readonly state: StateName | null;
  readonly isThis: boolean;
}

/** `GET api/failures?…`: jobs that failed, by task, error name and message without its numbers and ids; the most first. Not by a `text` in arguments. */
export interface FailureGroups {
  readonly groups: readonly FailureGroup[];
  /** Groups with fewer jobs than these. */
  readonly leftOut: number;
  readonly isComplete: boolean;
}

export interface FailureGroup {
  /** For `group` in a JobQuery. */
  readonly key: string;
  readonly task: string;
  readonly error: string;
  /** With … in place of numbers and ids. */
  readonly message: string;
  /** The last causes below it, with … as well, the first three that were seen; they do not part a group. */
  readonly roots: readonly string[];
  readonly count: number;
  readonly firstAtMs: number | null;
  readonly lastAtMs: number | null;
  readonly exampleId: string;
}

/** `GET api/schedules`. */
export interface ScheduleRow {
  readonly name: string;
  /** Null: the configuration of this process does not have it. */
  readonly task: string | null;
  readonly pattern: string | null;
  /** In words, such as 'every 5 minutes' or 'at 04:00 each day, Europe/Berlin'. */
  readonly words: string | null;
  /** The next instants, five at most. */
  readonly next: readonly number[];
  readonly last: { readonly atMs: number; readonly id: string; readonly state: StateName | null } | null;
  /** Its latest runs that the store has, the earliest first: how long the last attempt of each took, and whether well. */
  readonly runs: readonly (Pick<JobRow, 'id' | 'state'> & { readonly ranMs: number | null; readonly atMs: number })[];
  readonly isPaused: boolean;
}

/** `GET api/store`: the directories of a spool with what each means; of a server what it tells. */
export interface StoreReport {
  readonly place: string;
  readonly parts: readonly {
    readonly name: string;
    readonly means: string;
    readonly entries: number | null;
    readonly bytes: number | null;
  }[];
  readonly room: Readonly<Record<'freeBytes' | 'totalBytes' | 'freeInodes' | 'totalInodes', number>> | null;
}

/** `POST api/act`. On jobs by their ids, or on all that match a query, with the count that its user has typed. */
export type Act =
  | { readonly kind: 'retry' | 'revoke' | 'kill' | 'forget'; readonly ids: readonly string[] }
  | { readonly kind: 'retry' | 'revoke' | 'kill' | 'forget'; readonly query: JobQuery; readonly count: number }
  | { readonly kind: 'retry-anew'; readonly id: string; readonly args: readonly JsonValue[] }
  | { readonly kind: 'pause' | 'resume'; readonly queue: string }
  | { readonly kind: 'pause-schedule' | 'resume-schedule' | 'run-schedule'; readonly schedule: string };

/** `POST api/login` with `{ token, path }`, the page's path in the browser. It asks at `door/DOOR/api/…` then: the cookie counts there alone. */
export interface Welcome extends Answer {
  readonly door: string;
}

/** What came of an act, or why a request is refused: in a sentence. */
export interface Answer {
  readonly text: string;
  readonly isGood: boolean;
  /** Stable, for programs; null where all went well. */
  readonly code: string | null;
  /** Of a new job. */
  readonly id?: string;
}
