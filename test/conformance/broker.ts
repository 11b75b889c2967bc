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
  uniqueness,
  debouncing,
  'task sets': taskSets,
  'beside the job': beside,
  'every job': everyJob,
  forgetting,
  schedules,
  statistics,
  'handing over': handingOver,
  'moving all': movingAll,
  'dying on the way': dyingMoves,
};

export type Section = keyof typeof SECTIONS;

/**
 * Registers the suite for the broker called `name`.
 *
 * @param capabilities what it lacks by its nature; default: nothing
 * @param notYet sections of what is still to be built; default: none
 */
export function testBroker(
  name: string,
  open: OpenBroker,
  capabilities: Capabilities = {},
  notYet: readonly Section[] = [],
): void {
  const lacks = lacksOf(capabilities);
  const missing: readonly string[] = notYet;
  describe(name, () => {
    for (const [section, register] of Object.entries(SECTIONS))
      describe(section, { skip: missing.includes(section) && 'it is not there yet' }, () => register(open, lacks));
  });
}
