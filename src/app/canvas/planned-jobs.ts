/** The jobs of a plan as they are sent: with ids, and with the edges between them in their options. Pure. */
import type { NewJob } from '../../broker/broker.ts';
import type { Edges, Shape } from '../../job/edges.ts';
import type { JobOptions } from '../../job/job-options.ts';
import type { Joint, PlannedJob, Ref, Value } from './plan.ts';

/** The headers with which a job is sent. */
export type HeadersOf = (job: PlannedJob) => Readonly<Record<string, string>>;

/** @param ids of the jobs, in their order */
export function toNewJobs(
  jobs: readonly PlannedJob[],
  ids: readonly string[],
  headersOf: HeadersOf,
  enqueuedAtMs: number,
): readonly NewJob[] {
  const edges = new EdgesOf(ids);
  return jobs.map((job, i) => ({
    job: {
      id: ids[i] ?? '',
      task: job.task,
      args: job.args,
      enqueuedAtMs,
      options: edges.optionsOf(job),
      headers: headersOf(job),
    },
    queue: job.options.queue,
    priority: job.options.priority,
  }));
}

class EdgesOf {
  readonly #ids: readonly string[];
  readonly #joints = new Map<Joint, Pick<Edges, 'after' | 'takes' | 'shape'>>();
  readonly #next = new Map<Joint, readonly string[]>();
  /** The job before: of thousands side by side, all have the same options. */
  #last: { readonly job: PlannedJob; readonly options: JobOptions } | null = null;

  constructor(ids: readonly string[]) {
    this.#ids = ids;
  }

  optionsOf(job: PlannedJob): JobOptions {
    if (this.#last !== null && isAlike(this.#last.job, job)) return this.#last.options;
    const { kept } = job.options;
    const isAlone = job.after === null && job.endsAt.length === 0;
    const options = isAlone ? kept : { ...kept, ...this.#edges(job), ...this.#followers(job) };
    this.#last = { job, options };
    return options;
  }

  #edges({ after: joint, takes }: PlannedJob): Pick<Edges, 'after' | 'takes' | 'shape'> {
    if (joint === null) return {};
    const known = this.#joints.get(joint) ?? this.#read(joint);
    this.#joints.set(joint, known);
    const { after = [] } = known;
    if (takes === 'value') return known;
    return takes === 'error' ? { after, takes } : { after };
  }

  #read({ waits, value }: Joint): Pick<Edges, 'after' | 'takes' | 'shape'> {
    const ids = waits.map((ref) => this.#id(ref));
    const [only = ''] = ids;
    if (typeof value !== 'object') return { after: only, takes: 'value' };
    const after = ids.length === 1 ? only : ids;
    if (value.every((part) => typeof part !== 'object')) return { after, takes: 'values' };
    const at = new Map(waits.map((ref, i) => [ref, i]));
    return { after, takes: 'values', shape: shapeOf(value, at) };
  }

  #followers({ endsAt }: PlannedJob): Pick<Edges, 'next'> {
    if (endsAt.length === 0) return {};
    const lists = endsAt.map((joint) => {
      const known = this.#next.get(joint) ?? joint.followers.map((at) => this.#id(at));
      this.#next.set(joint, known);
      return known;
    });
    const [first = [], ...others] = lists;
    return { next: others.length === 0 ? first : [...new Set([first, ...others].flat())] };
  }

  #id(ref: Ref): string {
    return typeof ref === 'string' ? ref : (this.#ids[ref] ?? '');
  }
}

function shapeOf(value: readonly Value[], at: ReadonlyMap<Ref, number>): Shape {
  return value.map((part) => (typeof part === 'object' ? shapeOf(part, at) : (at.get(part) ?? 0)));
}

function isAlike(one: PlannedJob, other: PlannedJob): boolean {
  return (
    one.options === other.options &&
    one.after === other.after &&
    one.takes === other.takes &&
    one.endsAt.length === other.endsAt.length &&
    one.endsAt.every((joint, i) => joint === other.endsAt[i])
  );
}
