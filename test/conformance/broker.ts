/** What every broker promises, as tests. Written against src/broker/ alone: nothing here knows how jobs are kept. */
import { describe } from 'node:test';
import { acceptance } from './acceptance.ts';
import { following } from './after.ts';
import { beside } from './beside.ts';
import { type Capabilities, lacksOf } from './capabilities.ts';
import { claims } from './claims.ts';
import { debouncing } from './debounce.ts';
import { dyingMoves } from './dying-moves.ts';
import { everyJob } from './every-job.ts';
import { forgetting } from './forgetting.ts';
import { handingOver, movingAll } from './handing-over.ts';
import { keeping } from './keeping.ts';
import { looking } from './looking.ts';
import { owners } from './owners.ts';
import type { OpenBroker } from './parts.ts';
import { queues } from './queues.ts';
import { recovering } from './recovering.ts';
import { sendingBack } from './retry.ts';
import { revoking } from './revoking.ts';
import { schedules } from './schedules.ts';
import { settlements } from './settlements.ts';
import { slots } from './slots.ts';
import { statistics } from './statistics.ts';
import { taking } from './taking.ts';
import { taskSets } from './task-sets.ts';
import { uniqueness } from './unique.ts';
import { waiting } from './waiting.ts';

/** Each is a suite of its own, so that a report says what a broker lacks. */
const SECTIONS = {
  /** From its sending to its end. */
  jobs: {
    acceptance,
    claims,
    settlements,
    waiting,
    recovering,
    keeping,
    looking,
    revoking,
    'sending back': sendingBack,
    following,
    taking,
    queues,
    slots,
  },
  'many jobs': {
    uniqueness,
    debouncing,
    'task sets': taskSets,
    'beside the job': beside,
    'every job': everyJob,
    forgetting,
    schedules,
    statistics,
    owners,
    'handing over': handingOver,
    'moving all': movingAll,
    'dying on the way': dyingMoves,
  },
} as const;

/** A part of the suite: a slow broker has a file of tests for each, which run side by side. */
export type Part = keyof typeof SECTIONS;
export const PARTS: readonly Part[] = ['jobs', 'many jobs'];

/**
 * Registers the suite for the broker called `name`.
 *
 * @param capabilities what it lacks by its nature; default: nothing
 * @param parts default: all
 */
export function testBroker(
  name: string,
  open: OpenBroker,
  capabilities: Capabilities = {},
  parts: readonly Part[] = PARTS,
): void {
  const lacks = lacksOf(capabilities);
  describe(name, () => {
    for (const part of parts)
      for (const [section, register] of Object.entries(SECTIONS[part])) describe(section, () => register(open, lacks));
  });
}
