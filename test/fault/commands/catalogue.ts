/** What is done to a broker under fire: each operation prepares a place, and says what its process is to do there. */
import type { Broker, NewJob } from '../../../src/broker/broker.ts';
import type { Settlement } from '../../../src/job/lifecycle.ts';
import { job, type JobParts, returned, RUN, threw } from '../../support/factory.ts';
import { claimOne } from './worker.ts';

/** A job that is there before the operation begins. */
export interface Planted {
  readonly id: string;
  /** How it may end, whatever happens. Default: succeeded. */
  readonly ends?: readonly string[];
  /** It may be forgotten. */
  readonly mayGo?: boolean;
}

export interface Prepared {
  /** For the process: JSON. */
  readonly input: Readonly<Record<string, unknown>>;
  readonly planted: readonly Planted[];
}

export interface Operation {
  readonly name: string;
  /** Which of the operations in victim.mjs. */
  readonly does: string;
  /** Jobs that it claims by `living` it may end. */
  readonly prepare: (broker: Broker, living: Broker) => Promise<Prepared>;
  /** What the process held is found by the end of a lock, or its worker sees it die. Default: the lock. */
  readonly isSeenToDie?: boolean;
}

const SOON_MS = 300;
const INSTANTS = [1_795_739_000_000, 1_795_739_001_000];

function sends(jobs: (broker: Broker) => readonly NewJob[]): Operation['prepare'] {
  return async (broker) => ({ input: { jobs: jobs(broker) }, planted: [] });
}

function newJob(broker: Broker, parts: JobParts = {}): NewJob {
  return job({ id: broker.nextId(), args: ['ä', 1], ...parts });
}

function keyed(broker: Broker): NewJob {
  return newJob(broker, { options: { key: 'k' } });
}

async function plant(broker: Broker, parts: JobParts = {}): Promise<string> {
  const one = newJob(broker, parts);
  await broker.enqueue([one]);
  return one.job.id;
}

/** A job that a process holds which is not there any more. */
async function plantHeld(
  broker: Broker,
  parts: JobParts = {},
): Promise<{ readonly id: string; readonly owner: string }> {
  const id = await plant(broker, parts);
  return { id, owner: (await claimOne(broker)).owner };
}

async function plantFailed(broker: Broker): Promise<string> {
  const id = await plant(broker);
  const { claim } = await claimOne(broker);
  await claim.settle(threw('planted'), RUN);
  return id;
}

function runs(settlement: Settlement, planted: Omit<Planted, 'id'> = {}, parts: JobParts = {}): Operation['prepare'] {
  return async (broker) => {
    const id = await plant(broker, parts);
    return { input: { settlement, jobs: 1 }, planted: [{ id, ...planted }] };
  };
}

const VALUE: Settlement = returned({ by: 'op' });
const RERUN: Settlement = { kind: 'rerun', delayMs: SOON_MS, crashes: 0, error: { name: 'Error', message: 'again' } };
const PARK: Settlement = {
  kind: 'park',
  delayMs: SOON_MS,
  parked: { reason: 'nobody knows it', sinceMs: 1_000 },
};
const REVOKED = ['succeeded', 'revoked'];

export const OPERATIONS: readonly Operation[] = [
  { name: 'send a job', does: 'send', prepare: sends((broker) => [newJob(broker)]) },
  {
    name: 'send three to two queues',
    does: 'send',
    prepare: sends((broker) => [newJob(broker), newJob(broker, { queue: 'other' }), newJob(broker, { priority: 1 })]),
  },
  { name: 'claim and succeed', does: 'run', prepare: runs(VALUE) },
  { name: 'claim and succeed in a child', does: 'run', isSeenToDie: true, prepare: runs(VALUE) },
  { name: 'succeed, and claim the next along', does: 'chain', prepare: chains },
  { name: 'succeed in a child, and claim the next along', does: 'chain', isSeenToDie: true, prepare: chains },
  { name: 'claim and fail', does: 'run', prepare: runs(threw('of op'), { ends: ['succeeded', 'failed'] }) },
  { name: 'claim and try again later', does: 'run', prepare: runs(RERUN) },
  {
    name: 'claim and try again at once in a child',
    does: 'run',
    isSeenToDie: true,
    prepare: runs({ ...RERUN, delayMs: 0 }),
  },
  { name: 'claim and park', does: 'run', prepare: runs(PARK) },
  { name: 'claim and give back', does: 'run', prepare: runs({ kind: 'requeue' }) },
  {
    name: 'claim two of two queues',
    does: 'run',
    prepare: async (broker) => {
      const planted = [{ id: await plant(broker) }, { id: await plant(broker, { queue: 'other' }) }];
      return { input: { settlement: VALUE, jobs: 2 }, planted };
    },
  },
  {
    name: 'recover what a dead child held',
    does: 'recover',
    prepare: async (broker) => {
      const { id, owner } = await plantHeld(broker);
      return { input: { owner }, planted: [{ id }] };
    },
  },
  revokes('a waiting job', plant),
  revokes('a delayed job', (broker) => plant(broker, { etaMs: Date.now() + 2_000 })),
  revokes('a running job', async (broker) => (await plantHeld(broker)).id),
  {
    name: 'claim and succeed, another comes after',
    does: 'run',
    prepare: async (broker) => {
      const [first, next] = [newJob(broker), broker.nextId()];
      const follower = job({ id: next, args: ['ä', 2], options: { after: [first.job.id] } });
      await broker.enqueue([first, follower]);
      return { input: { settlement: VALUE, jobs: 1 }, planted: [{ id: first.job.id }, { id: next }] };
    },
  },
  {
    name: 'send back a failed job',
    does: 'retry',
    prepare: async (_broker, living) => {
      const id = await plantFailed(living);
      return { input: { ids: [id] }, planted: [{ id, ends: ['failed', 'succeeded'] }] };
    },
  },
  {
    name: 'forget a job',
    does: 'forget',
    prepare: async (_broker, living) => {
      const id = await plantFailed(living);
      return { input: { ids: [id] }, planted: [{ id, ends: ['failed'], mayGo: true }] };
    },
  },
  { name: 'send with a key', does: 'unique', prepare: sends((broker) => [keyed(broker), keyed(broker)]) },
  {
    name: 'send instants of a schedule',
    does: 'tick',
    prepare: async (broker) => ({
      input: { instants: INSTANTS, jobs: INSTANTS.map(() => newJob(broker)) },
      planted: [],
    }),
  },
  { name: 'pause a queue', does: 'pause', prepare: pausing(false) },
  { name: 'resume a queue', does: 'resume', prepare: pausing(true) },
  { name: 'connect and begin to work', does: 'start', prepare: idle },
  { name: 'begin to work', does: 'begin', prepare: idle },
  { name: 'end work', does: 'close', prepare: idle },
];

function revokes(what: string, planting: (broker: Broker) => Promise<string>): Operation {
  const prepare: Operation['prepare'] = async (broker) => {
    const id = await planting(broker);
    return { input: { ids: [id], terminate: false }, planted: [{ id, ends: REVOKED }] };
  };
  return { name: `revoke ${what}`, does: 'revoke', prepare };
}

function pausing(isPaused: boolean): Operation['prepare'] {
  return async (broker) => {
    const id = await plant(broker);
    if (isPaused) await broker.pause('default');
    return { input: { queue: 'default' }, planted: [{ id }] };
  };
}

async function chains(broker: Broker): Promise<Prepared> {
  const planted = [{ id: await plant(broker) }, { id: await plant(broker) }, { id: await plant(broker) }];
  return { input: { jobs: planted.length }, planted };
}

async function idle(broker: Broker): Promise<Prepared> {
  return { input: {}, planted: [{ id: await plant(broker) }] };
}
