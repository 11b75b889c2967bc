/** The attempts of a job, each with its error and the last of what it has printed. */
import type { Broker, Sighting } from '../../../broker/broker.ts';
import type { LogLine } from '../../../job/values/log-lines.ts';
import type { JobAttempt } from '../../wire.ts';
import { jobErrorOf } from './job-error.ts';

/** Lines of an attempt that are shown. */
const MOST_LINES = 500;
/** So many attempts are shown, the latest: a job with a short backoff may have thousands. */
const MOST_ATTEMPTS = 100;

export async function attemptsOf(broker: Pick<Broker, 'log'>, job: Sighting): Promise<readonly JobAttempt[]> {
  const attempts = begunAttempts(job);
  if (attempts.length === 0) return [];
  const output = new AttemptOutput(attempts);
  for (let position = 0; ;) {
    const part = await broker.log(job.id, position);
    if (part.lines.length === 0) break;
    for (const line of part.lines) output.add(line);
    position = part.position;
  }
  return attempts.map((attempt, i) => ({ ...attempt, ...output.of(i) }));
}

type Begun = Omit<JobAttempt, 'output' | 'outputLeftOut'>;

function begunAttempts({ record, state, standing, owner, startedAtMs }: Sighting): readonly Begun[] {
  const over = (record?.attempts ?? []).slice(-MOST_ATTEMPTS).map((one): Begun => ({
    attempt: one.attempt,
    startedAtMs: one.startedAtMs ?? null,
    endedAtMs: one.endedAtMs,
    owner: one.owner,
    error: one.error === undefined ? null : jobErrorOf(one.error),
  }));
  if (state !== 'running' || owner === null) return over;
  return [...over, { attempt: standing.attempt, startedAtMs, endedAtMs: null, owner, error: null }];
}

/** A log does not say which attempt has printed a line: it is the last one that had begun by then. */
class AttemptOutput {
  readonly #starts: readonly (number | null)[];
  readonly #lines: readonly LogLine[][];
  readonly #leftOut: number[];

  constructor(attempts: readonly Begun[]) {
    this.#starts = attempts.map(({ startedAtMs }) => startedAtMs);
    this.#lines = attempts.map(() => []);
    this.#leftOut = attempts.map(() => 0);
  }

  add(line: LogLine): void {
    const at = Math.max(
      0,
      this.#starts.findLastIndex((startedAtMs) => startedAtMs !== null && startedAtMs <= line.atMs),
    );
    const lines = this.#lines[at] ?? [];
    lines.push(line);
    // Not each time: to take the first of a long list away costs as much as all of it.
    if (lines.length >= 2 * MOST_LINES) this.#leftOut[at] = (this.#leftOut[at] ?? 0) + this.#cut(lines);
  }

  of(at: number): Pick<JobAttempt, 'output' | 'outputLeftOut'> {
    const lines = this.#lines[at] ?? [];
    const outputLeftOut = (this.#leftOut[at] ?? 0) + this.#cut(lines);
    return { output: lines.map(({ stream, atMs, text }) => ({ stream, atMs, text })), outputLeftOut };
  }

  /** @returns how many lines it has taken away */
  #cut(lines: LogLine[]): number {
    return lines.splice(0, Math.max(0, lines.length - MOST_LINES)).length;
  }
}
