/**
 * A child with two slots, a job that kills its process whenever it runs, and two that do nothing: which of them loses processes, as
 * src/job/lifecycle.ts (`isSuspect`), src/spool/consumer.ts and src/worker/child/{runner,slots}.ts decide it. Once, somebody else kills
 * the child.
 */
import type { Model } from './explore.ts';

/** What is modelled; each that differs from FSQ is a mutant that must be caught. */
export interface Rules {
  /** A job with so many crashes runs alone. */
  readonly suspectFrom: number;
  /** A suspect is not begun while another works. */
  readonly waitsForRuns: boolean;
  /** A suspect is not begun while an outcome is on its way to the disk. */
  readonly waitsForOutcomes: boolean;
  /** Nothing is begun beside a suspect. */
  readonly closesBehind: boolean;
  /** Every job of a child that died counts a crash. */
  readonly countsAll: boolean;
}

export const FSQ: Rules = {
  suspectFrom: 2,
  waitsForRuns: true,
  waitsForOutcomes: true,
  closesBehind: true,
  countsAll: true,
};

const SLOTS = 2;
const MAX_CRASHES = 3;
const POISON = 0;

interface JobState {
  readonly at: 'waits' | 'runs' | 'settles' | 'done' | 'given up';
  readonly crashes: number;
}

export interface State {
  readonly jobs: readonly JobState[];
  readonly killsLeft: number;
  /** How often the poison was begun. */
  readonly begun: number;
  /** A suspect has ended the process of another job. */
  readonly hasTakenOthers: boolean;
}

export function slots(rules: Rules): Model<State> {
  return {
    initial: [
      { jobs: [0, 1, 2].map(() => ({ at: 'waits', crashes: 0 })), killsLeft: 1, begun: 0, hasTakenOthers: false },
    ],
    next: (state) => steps(state, rules),
    violations: ({ jobs, begun, hasTakenOthers }) => [
      ...(jobs.some(({ at }, i) => i !== POISON && at === 'given up') ? ['an innocent job is given up'] : []),
      ...(hasTakenOthers ? ['a suspect takes another job with it'] : []),
      ...(begun > MAX_CRASHES + 1 ? ['the poison is begun too often'] : []),
    ],
    key: (state) => JSON.stringify(state),
    isGoal: ({ jobs }) => jobs.every(({ at }) => at === 'done' || at === 'given up'),
  };
}

type Step = readonly [name: string, state: State];

function* steps(state: State, rules: Rules): Generator<Step> {
  if (state.begun > MAX_CRASHES + 1) return; // It is caught.
  for (const [i, job] of state.jobs.entries()) {
    if (job.at === 'waits' && mayBegin(state, job, rules))
      yield [`job ${i} begins`, { ...withJob(state, i, { at: 'runs' }), begun: state.begun + (i === POISON ? 1 : 0) }];
    if (job.at === 'runs' && i !== POISON) yield [`job ${i} ends`, withJob(state, i, { at: 'settles' })];
    if (job.at === 'runs' && i === POISON) {
      const hasTakenOthers =
        state.hasTakenOthers || (job.crashes >= FSQ.suspectFrom && state.jobs.filter(isHeld).length > 1);
      yield ['the poison kills the child', { ...died(state, rules), hasTakenOthers }];
    }
    if (job.at === 'settles') yield [`the outcome of job ${i} arrives`, withJob(state, i, { at: 'done' })];
  }
  if (state.killsLeft > 0 && state.jobs.some(isHeld))
    yield ['somebody kills the child', { ...died(state, rules), killsLeft: state.killsLeft - 1 }];
}

function mayBegin({ jobs }: State, job: JobState, rules: Rules): boolean {
  const isSuspect = ({ crashes }: JobState): boolean => crashes >= rules.suspectFrom;
  const running = jobs.filter(({ at }) => at === 'runs');
  if (running.length >= SLOTS) return false;
  if (rules.closesBehind && jobs.some((other) => isHeld(other) && isSuspect(other))) return false;
  if (!isSuspect(job)) return true;
  if (rules.waitsForRuns && running.length > 0) return false;
  return !rules.waitsForOutcomes || jobs.every(({ at }) => at !== 'settles');
}

function isHeld({ at }: JobState): boolean {
  return at === 'runs' || at === 'settles';
}

/** Whatever was held counts a crash: an outcome that was on its way may be whole, and then it arrives before this step. */
function died(state: State, { countsAll }: Rules): State {
  const held = state.jobs.filter(isHeld).length;
  return {
    ...state,
    jobs: state.jobs.map((job) => {
      if (!isHeld(job)) return job;
      const crashes = job.crashes + (countsAll || held === 1 ? 1 : 0);
      return { at: crashes > MAX_CRASHES ? 'given up' : 'waits', crashes };
    }),
  };
}

function withJob(state: State, i: number, change: Partial<JobState>): State {
  return { ...state, jobs: state.jobs.map((job, at) => (at === i ? { ...job, ...change } : job)) };
}
