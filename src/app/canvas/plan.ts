/**
 * From a composition to the list of its jobs, with the edges between them. Every job comes after those that it waits for, and the jobs of
 * each part lie side by side. Jobs are numbers here: they have no ids yet.
 */
import { UsageError } from '../../job/errors.ts';
import type { JsonValue } from '../../job/values/json.ts';
import { checkedArguments, MAX_PAYLOAD_BYTES } from '../../job/values/payload.ts';
import { type Answers, type CallOptions, withLimitKey } from './call-options.ts';
import type { Call, Part, PartSender, Several } from './part.ts';

/** A job of the plan, by its number, or one that is there already, by its id. */
export type Ref = number | string;

/** What jobs give together: the value of one, or an array. */
export type Value = Ref | readonly Value[];

/** Where parts end and others begin. */
export interface Joint {
  readonly waits: readonly Ref[];
  readonly value: Value;
  /** Of the plan: those that begin here. */
  readonly followers: number[];
}

export interface PlannedJob {
  readonly task: string;
  readonly args: readonly JsonValue[];
  /** The same object for jobs of which all of this is the same. */
  readonly options: CallOptions;
  /** Null: it waits for nothing. */
  readonly after: Joint | null;
  /** What it takes from there, before its own arguments. */
  readonly takes: 'nothing' | 'value' | 'error';
  /** Where it is among those that are waited for. */
  readonly endsAt: readonly Joint[];
}

/** Which handle stands for which jobs. */
export type HandlePlan =
  | { readonly kind: 'job'; readonly at: number }
  | {
      readonly kind: Several['kind'];
      readonly parts: readonly HandlePlan[];
      /** Its jobs: from this one on, up to the one before `end`. */
      readonly from: number;
      readonly end: number;
    };

export interface Plan {
  readonly jobs: readonly PlannedJob[];
  readonly handle: HandlePlan;
  /** Each app whose tasks are in it, and one of these. */
  readonly senders: ReadonlyMap<PartSender, string>;
}

/** Most jobs that one job may wait for: its file names them all. */
export const MOST_WAITED_FOR = 100_000;
/** Most edges in all: each is an id in two files. */
const MOST_EDGES = 1_000_000;

/** What of the whole is beside its parts. */
export interface Around {
  /** Jobs that are there, after which the whole is to run, and what they give. Null: it waits for nothing. */
  readonly after: Pick<Joint, 'waits' | 'value'> | null;
  readonly onError: Call | null;
}

/**
 * @throws UsageError (FSQ_COMPOSITION, FSQ_TOO_LARGE, or what is wrong with options), NotSerialisableError: each names the part
 */
export function planOf(part: Part, answers: Answers, { after, onError }: Around): Plan {
  const planner = new Planner(answers);
  const { handle } = planner.add(part, after === null ? null : { ...after, followers: [] });
  if (onError !== null) planner.addHandler(onError, after?.waits ?? []);
  for (const job of planner.jobs) refuseLargeFile(job);
  return { jobs: planner.jobs, handle, senders: planner.senders };
}

/** A part that was added: what those that follow wait for, and what they get. */
interface Exit {
  readonly waits: readonly Ref[];
  readonly value: Value;
  readonly handle: HandlePlan;
}

interface Draft extends PlannedJob {
  readonly endsAt: Joint[];
}

class Planner {
  readonly jobs: Draft[] = [];
  readonly senders = new Map<PartSender, string>();
  readonly #answers: Answers;
  /** Where the walk is: the parts around, each with the number of the one that is looked at. */
  readonly #path: { readonly kind: Several['kind'] | 'onError'; at: number }[] = [];
  #edges = 0;

  constructor(answers: Answers) {
    this.#answers = answers;
  }

  add(part: Part, after: Joint | null): Exit {
    if (part.kind === 'call') {
      const at = this.#addCall(part, after, part.isComplete ? 'nothing' : 'value');
      return { waits: [at], value: at, handle: { kind: 'job', at } };
    }
    const from = this.jobs.length;
    const place = { kind: part.kind, at: 0 };
    this.#path.push(place);
    const exits =
      part.kind === 'group' ? this.#addAll(part.parts, after, place) : this.#addRow(part.parts, after, place);
    this.#path.pop();
    const handle = { kind: part.kind, parts: exits.map((exit) => exit.handle), from, end: this.jobs.length };
    const last = exits.at(-1);
    if (part.kind !== 'group' && last !== undefined) return { waits: last.waits, value: last.value, handle };
    // Of nothing, what comes before is waited for all the same; beside something, that waits for it already.
    const before = after?.waits ?? [];
    const waits = exits.flatMap((exit) => (exit.waits === before ? [] : exit.waits));
    return { waits: waits.length === 0 ? before : waits, value: exits.map(({ value }) => value), handle };
  }

  /** @param others jobs before the whole, whose failure is one of the whole too */
  addHandler(call: Call, others: readonly Ref[]): void {
    const all: Joint = { waits: [...others, ...this.jobs.keys()], value: [], followers: [] };
    if (all.waits.length === 0) return; // Nothing can fail.
    this.#path.push({ kind: 'onError', at: 0 });
    this.#begin(all);
    this.#addCall(call, all, 'error');
  }

  #addAll(parts: readonly Part[], after: Joint | null, place: { at: number }): readonly Exit[] {
    return parts.map((part, at) => {
      place.at = at;
      return this.add(part, after);
    });
  }

  #addRow(parts: readonly Part[], after: Joint | null, place: { at: number }): readonly Exit[] {
    let joint = after;
    return parts.map((part, at) => {
      place.at = at;
      if (at > 0 && joint !== null) this.#begin(joint);
      const exit = this.add(part, joint);
      joint = { waits: exit.waits, value: exit.value, followers: [] };
      return exit;
    });
  }

  #begin(joint: Joint): void {
    for (const ref of joint.waits) if (typeof ref === 'number') this.jobs[ref]?.endsAt.push(joint);
  }

  #addCall(call: Call, after: Joint | null, takes: PlannedJob['takes']): number {
    const at = this.jobs.length;
    const isFirst = after === null || after.waits.length === 0;
    const { args, options } = this.#read(call, isFirst);
    if (!this.senders.has(call.sender)) this.senders.set(call.sender, call.task);
    // Arrays without anything in them are known now; nothing has to be taken.
    const isKnown = takes === 'value' && after !== null && !hasRef(after.value);
    const place = {
      args: isKnown ? [constant(after.value), ...args] : args,
      after: isFirst ? null : after,
      takes: isFirst || isKnown ? ('nothing' as const) : takes,
    };
    const known = place.takes === 'nothing' ? place.args : null;
    this.jobs.push({ task: call.task, options: withLimitKey(call, options, known), endsAt: [], ...place });
    if (!isFirst) this.#follow(after, at, call);
    return at;
  }

  /** What the call says, checked. Where it stands in the whole is worked out only for an error. */
  #read(call: Call, isFirst: boolean): Pick<PlannedJob, 'args' | 'options'> {
    try {
      return { args: checkedArguments(call.task, call.args), options: this.#answers.of(call, isFirst) };
    } catch (error) {
      const where = this.#where(call);
      checkedArguments(where, call.args, `${where}: args`);
      this.#answers.of(call, isFirst, where);
      throw error; // The second look found nothing wrong.
    }
  }

  #follow(after: Joint, at: number, call: Call): void {
    after.followers.push(at);
    this.#edges += after.waits.length;
    if (after.waits.length > MOST_WAITED_FOR)
      throw tooLarge(`${this.#where(call)} to wait for at most ${MOST_WAITED_FOR} jobs, got ${after.waits.length}`);
    if (this.#edges > MOST_EDGES)
      throw tooLarge(
        `at most ${MOST_EDGES} pairs of jobs that wait for one another, and ${this.#where(call)} makes more: put one job between the two groups`,
      );
  }

  /** Such as `step 3, member 1 (add)`. */
  #where({ task }: Call): string {
    const words = this.#path.flatMap(({ kind, at }) => wordsFor(kind, at));
    return words.length === 0 ? task : `${words.join(', ')} (${task})`;
  }
}

function wordsFor(kind: Several['kind'] | 'onError', at: number): readonly string[] {
  if (kind === 'onError') return ['onError'];
  if (kind === 'chord') return at === 0 ? [] : ['the callback'];
  return [`${kind === 'chain' ? 'step' : 'member'} ${at + 1}`];
}

function hasRef(value: Value): boolean {
  return typeof value !== 'object' || value.some(hasRef);
}

/** A value in which there is no job. */
function constant(value: Value): JsonValue {
  return typeof value === 'object' ? value.map(constant) : null;
}

/** Fewer ids fit into the room that a job's file has beside its arguments and its value. */
const MANY_IDS = 10_000;
/** In JSON, with its comma. */
const ID_BYTES = 39;

/** A job's file names those before and those after it: where these are many, they count as its arguments do. @throws UsageError */
function refuseLargeFile({ task, args, after, endsAt }: PlannedJob): void {
  const before = after?.waits.length ?? 0;
  const behind = endsAt.reduce((sum, { followers }) => sum + followers.length, 0);
  if (before + behind < MANY_IDS) return;
  const bytes = ID_BYTES * (before + behind) + Buffer.byteLength(JSON.stringify(args));
  if (bytes <= MAX_PAYLOAD_BYTES) return;
  throw tooLarge(
    `the file of a job of ${task} to have at most ${MAX_PAYLOAD_BYTES} bytes of arguments and ids of other jobs, got ${bytes}: ` +
      `it comes after ${before} and before ${behind}. Put jobs in between, of a part of them each`,
  );
}

function tooLarge(expected: string): UsageError {
  return new UsageError(`Expected ${expected}`, 'FSQ_TOO_LARGE');
}
