/**
 * Looks at the broker for somebody who watches it, and carries out what he asks for. What costs much is looked at seldom: no look takes more
 * than a small part of the time, and nothing is looked at that nobody sees.
 */
import type { Broker, Sighting } from '../../../../broker/broker.ts';
import { reasonOf } from '../../../../job/values/realm.ts';
import { carryOut } from '../../../../app/acting/carry-out.ts';
import {
  jobSight,
  type JobList,
  type ListName,
  type Report,
  type Request,
  type Verdict,
  type Wanted,
} from './reports.ts';

/** How often what is cheap is looked at, ms. */
const EVERY_MS = 1_000;
/** A look takes this part of a processor's time at most, */
const COST_FACTOR = 150;
/** and one that costs nothing while nothing changes, the thirtieth. */
const COUNT_COST_FACTOR = 30;
/** A list that nobody reads to its end: so many jobs are in one. */
const MOST_JOBS = 500;
/** Beside those that failed, so many that were revoked: they must not take the room of the others. */
const MOST_REVOKED = 100;
/** So many ended jobs are read to find those that failed, the latest first. */
const MOST_READ = 2_000;

export interface LookerOptions {
  /** @throws when there is none. Called again after each trouble: another spool may lie there then. */
  readonly open: () => Broker;
  /** What `fsq show` says of a job; null: there is none. */
  readonly jobLines: (broker: Broker, id: string) => Promise<readonly string[] | null>;
  readonly verdict: (broker: Broker) => Promise<Verdict>;
  readonly report: (report: Report) => void;
}

/** Something to look at. */
interface Look {
  readonly isWanted: (wanted: Wanted) => boolean;
  readonly act: (broker: Broker, wanted: Wanted) => Promise<Report>;
  /** Default COST_FACTOR. */
  readonly costFactor?: number;
}

export class Looker {
  readonly #options: LookerOptions;
  /** In the order in which they are looked at: what is quick comes first. */
  readonly #looks: ReadonlyMap<string, Look>;
  /** When each is due, by performance.now(); absent: at once. */
  readonly #dueAt = new Map<string, number>();
  #broker: Broker | null = null;
  #wanted: Wanted = { lists: [], job: null };
  #timer: NodeJS.Timeout | undefined;
  /** Requests, and what became of them, one after the other. */
  #underWay: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: LookerOptions) {
    this.#options = options;
    this.#looks = new Map(Object.entries(looksWith(options)));
  }

  /** Does what is asked for, then looks. */
  hear(request: Request): void {
    if (request.kind === 'want') {
      for (const list of request.wanted.lists) if (!this.#wanted.lists.includes(list)) this.#dueAt.delete(list);
      if (request.wanted.job !== this.#wanted.job) this.#dueAt.delete('job');
      this.#wanted = request.wanted;
      return this.#hurry();
    }
    this.#underWay = this.#underWay.then(async () => {
      const broker = this.#opened();
      if (broker === null) return;
      this.#options.report({ kind: 'done', ...(await carryOut(broker, request.act, Date.now())) });
      this.#dueAt.clear();
      this.#hurry();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#underWay;
    await this.#broker?.close();
  }

  #hurry(): void {
    clearTimeout(this.#timer);
    this.#schedule(0);
  }

  #schedule(ms: number): void {
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#underWay = this.#underWay.then(() => this.#round());
    }, ms);
  }

  async #round(): Promise<void> {
    const broker = this.#opened();
    if (broker !== null) {
      try {
        for (const [name, look] of this.#looks) {
          if (!look.isWanted(this.#wanted) || (this.#dueAt.get(name) ?? 0) > performance.now()) continue;
          await this.#look(name, look, broker);
          // What was asked for meanwhile is heard between two looks.
          await new Promise((resolve) => setImmediate(resolve));
        }
      } catch (error) {
        await this.#fail(error);
      }
    }
    clearTimeout(this.#timer);
    this.#schedule(EVERY_MS - (Date.now() % EVERY_MS));
  }

  async #look(name: string, { act, costFactor = COST_FACTOR }: Look, broker: Broker): Promise<void> {
    const before = process.cpuUsage();
    this.#options.report(await act(broker, this.#wanted));
    const { user, system } = process.cpuUsage(before);
    // Not quite a second, so that the round after the next second finds it due.
    const restMs = Math.max(EVERY_MS / 2, (costFactor * (user + system)) / 1_000);
    this.#dueAt.set(name, performance.now() + restMs);
  }

  #opened(): Broker | null {
    if (this.#broker !== null) return this.#broker;
    try {
      this.#broker = this.#options.open();
      this.#options.report({ kind: 'trouble', text: null });
    } catch (error) {
      this.#options.report({ kind: 'trouble', text: reasonOf(error) });
    }
    return this.#broker;
  }

  async #fail(error: unknown): Promise<void> {
    this.#options.report({ kind: 'trouble', text: reasonOf(error) });
    const broker = this.#broker;
    this.#broker = null;
    this.#dueAt.clear();
    try {
      await broker?.close();
    } catch {
      // It has told what is wrong.
    }
  }
}

function looksWith({ jobLines, verdict }: LookerOptions): Readonly<Record<string, Look>> {
  const shown = (name: ListName) => (wanted: Wanted) => wanted.lists.includes(name);
  return {
    facts: { isWanted: () => true, act: facts },
    job: {
      isWanted: ({ job }) => job !== null,
      act: async (broker, { job: id }) => ({ kind: 'job', id: id ?? '', lines: await jobLines(broker, id ?? '') }),
    },
    schedules: { isWanted: shown('schedules'), act: schedules },
    counted: { isWanted: () => true, act: counted, costFactor: COUNT_COST_FACTOR },
    failed: {
      isWanted: shown('failed'),
      act: async (broker) => ({ kind: 'list', name: 'failed', list: await failed(broker) }),
    },
    delayed: {
      isWanted: shown('delayed'),
      act: async (broker) => ({ kind: 'list', name: 'delayed', list: await listed(broker, 'delayed') }),
    },
    pending: {
      isWanted: shown('pending'),
      act: async (broker) => ({ kind: 'list', name: 'pending', list: await listed(broker, 'pending') }),
    },
    // Behind the counts: as long as these have not changed, it does not count again.
    verdict: { isWanted: () => true, act: async (broker) => ({ kind: 'verdict', verdict: await verdict(broker) }) },
  };
}

async function facts(broker: Broker): Promise<Report> {
  const restoring = await broker.restoring();
  const [owners, paused, statistics, running] = [
    await broker.owners(),
    await broker.paused(),
    await broker.statistics(),
    await listed(broker, 'running'),
  ];
  return { kind: 'facts', facts: { atMs: Date.now(), owners, paused, restoring, statistics, running } };
}

async function counted(broker: Broker): Promise<Report> {
  const backlog = await broker.backlog();
  return { kind: 'counted', counted: { atMs: Date.now(), backlog, counts: await broker.counts(backlog) } };
}

async function listed(broker: Broker, state: 'pending' | 'delayed' | 'running'): Promise<JobList> {
  const jobs = await broker.list([state], MOST_JOBS);
  return { jobs: jobs.map(jobSight), isAll: jobs.length < MOST_JOBS };
}

/** Of the jobs that ended last: the spool may hold a million that succeeded. */
async function failed(broker: Broker): Promise<JobList> {
  let [read, failures, revoked] = [0, 0, 0];
  const isWanted = ({ state }: Sighting): boolean => {
    if (++read > MOST_READ) return true; // Until there are enough, whatever they are.
    if (state === 'revoked') return ++revoked <= MOST_REVOKED;
    return state !== 'succeeded' && ++failures <= MOST_JOBS;
  };
  const jobs = await broker.list(['results'], MOST_JOBS + MOST_REVOKED, isWanted);
  const found = jobs.filter(({ state }) => state !== 'succeeded');
  return {
    jobs: found.map(jobSight),
    isAll: read < MOST_READ && failures <= MOST_JOBS && revoked <= MOST_REVOKED,
  };
}

async function schedules(broker: Broker): Promise<Report> {
  const records = await broker.schedules.list();
  const found = [];
  for (const record of records) {
    const job = record.last === null ? null : await broker.find(record.last.id);
    found.push({ record, lastState: job?.state ?? null });
  }
  return { kind: 'schedules', schedules: found };
}
