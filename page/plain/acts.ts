/** Acts on jobs, in words, and of which jobs each makes sense. Pure; the server decides for itself. */
import type { StateName } from '../../src/ui/wire.ts';

export type JobAct = 'retry' | 'revoke' | 'kill' | 'forget';

interface Wording {
  /** On a button. */
  readonly verb: string;
  /** What will happen, for the question. */
  readonly means: string;
  readonly isDanger: boolean;
  /** States in which it can do something. */
  readonly states: readonly StateName[];
}

export const ACTS: Readonly<Record<JobAct, Wording>> = {
  retry: {
    verb: 'Retry',
    means:
      'They are sent back and run again, with all their attempts anew. So are the jobs after them that failed for them.',
    isDanger: false,
    states: ['failed', 'revoked', 'expired'],
  },
  revoke: {
    verb: 'Revoke',
    means: 'Those that wait will not run. Those that run are asked to stop.',
    isDanger: true,
    states: ['pending', 'delayed', 'parked', 'running'],
  },
  kill: {
    verb: 'Kill',
    means: 'The processes that run them are killed, and they do not run again.',
    isDanger: true,
    states: ['running'],
  },
  forget: {
    verb: 'Delete',
    means: 'Their outcomes are removed, with errors, output and values. Nobody can bring them back.',
    isDanger: true,
    states: ['succeeded', 'failed', 'revoked', 'expired'],
  },
};

export const JOB_ACTS: readonly JobAct[] = ['retry', 'revoke', 'kill', 'forget'];

/** Acts that make sense for at least one of these states; of no state at all: each. */
export function actsFor(states: readonly StateName[]): readonly JobAct[] {
  if (states.length === 0) return JOB_ACTS;
  return JOB_ACTS.filter((act) => ACTS[act].states.some((state) => states.includes(state)));
}

/** Acts that can do something with each job in these states, so that the number of all that match is the number that is meant. */
export function actsForAll(states: readonly StateName[]): readonly JobAct[] {
  if (states.length === 0) return [];
  return JOB_ACTS.filter((act) => states.every((state) => ACTS[act].states.includes(state)));
}

/** 1,234 and 1 234 and 1234 are the same; anything else is not a count. */
export function isTyped(typed: string, wanted: number): boolean {
  return typed.replace(/[\s,.'_]/g, '') === String(wanted);
}
