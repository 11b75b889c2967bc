/** The handles on what was sent as one: of the whole and of its parts. Each revokes, and sends back, all jobs of its part. */
import type { Revocation, RevokeOptions } from '../../broker/broker.ts';
import { AsyncResult } from '../async-result.ts';
import { type AnyGroup, GroupResult } from '../group-result.ts';
import type { HandlePlan } from './plan.ts';

/** What was sent, or has run here. */
export interface Delivered {
  readonly ids: readonly string[];
  readonly sourceOf: (id: string) => ConstructorParameters<typeof AsyncResult>[1];
}

/** Numbers of jobs: from one on, up to the one before `end`. */
interface Range {
  readonly from: number;
  readonly end: number;
}

type Handle = AsyncResult | AnyGroup;

/** @param range its jobs; those of the whole may be more than its plan has, as an error handler comes behind them */
export function handleOf(plan: HandlePlan, sent: Delivered, range: Range = rangeOf(plan)): Handle {
  if (plan.kind === 'job') return jobHandle(plan.at, sent, range);
  const { kind, parts } = plan;
  const last = parts.at(-1);
  if (kind === 'group' || last === undefined)
    return groupHandle(
      parts.map((part) => handleOf(part, sent)),
      sent,
      range,
    );
  // The handle of its last part, but for all its jobs.
  const handle = handleOf(last, sent, range);
  const others = parts.slice(0, -1).map((part) => handleOf(part, sent));
  const known: Readonly<Record<string, unknown>> = { ...handle };
  const inner = Array.isArray(known['steps']) ? known['steps'] : [];
  return Object.assign(handle, kind === 'chord' ? { members: others[0] } : { steps: [...others, ...inner] });
}

function rangeOf(plan: HandlePlan): Range {
  return plan.kind === 'job' ? { from: plan.at, end: plan.at + 1 } : plan;
}

function jobHandle(at: number, sent: Delivered, { from, end }: Range): AsyncResult {
  const id = sent.ids[at] ?? '';
  if (end - from === 1) return new AsyncResult(id, sent.sourceOf(id), true);
  return new WholeResult(id, sent, { from, end });
}

function groupHandle(results: readonly Handle[], sent: Delivered, range: Range): AnyGroup {
  const isPlain = results.length === range.end - range.from && results.every((one) => one instanceof AsyncResult);
  return isPlain ? new GroupResult(results) : new WholeGroup(results, sent, range);
}

function jobsIn({ ids, sourceOf }: Delivered, { from, end }: Range): readonly AsyncResult[] {
  return ids.slice(from, end).map((id) => new AsyncResult(id, sourceOf(id), true));
}

/** The job whose value is that of the whole. */
class WholeResult<T> extends AsyncResult<T> {
  readonly #sent: Delivered;
  readonly #range: Range;

  constructor(id: string, sent: Delivered, range: Range) {
    super(id, sent.sourceOf(id), true);
    this.#sent = sent;
    this.#range = range;
  }

  override async revoke(options: RevokeOptions = {}): Promise<Revocation> {
    const jobs = jobsIn(this.#sent, this.#range);
    const answers = await AsyncResult.revokeAll(jobs, options, [this]);
    return answers[jobs.findIndex(({ id }) => id === this.id)] ?? 'ended';
  }

  override async retry(): Promise<void> {
    // Where there is nothing to send back, that of the last job says why.
    if ((await AsyncResult.retryAll(jobsIn(this.#sent, this.#range), [this])) === 0) await super.retry();
  }
}

/** The jobs whose values are those of the whole. */
class WholeGroup extends GroupResult<unknown, unknown[], readonly Handle[]> {
  readonly #sent: Delivered;
  readonly #range: Range;

  constructor(results: readonly Handle[], sent: Delivered, range: Range) {
    super(results);
    this.#sent = sent;
    this.#range = range;
  }

  override async revoke(options: RevokeOptions = {}): Promise<readonly Revocation[]> {
    const jobs = jobsIn(this.#sent, this.#range);
    const answers = await AsyncResult.revokeAll(jobs, options, this.jobs);
    const byId = new Map(jobs.map(({ id }, i) => [id, answers[i] ?? 'ended']));
    return this.jobs.map(({ id }) => byId.get(id) ?? 'ended');
  }

  override retry(): Promise<number> {
    return AsyncResult.retryAll(jobsIn(this.#sent, this.#range), this.jobs);
  }
}
