/** The summary of a store, worked out once for all who ask: what is cheap each second, what is dear as seldom as it costs. */
import { setTimeout as wait } from 'node:timers/promises';
import { statusFacts } from '../../../app/telling/status-facts.ts';
import type { StatusFacts } from '../../../app/telling/status-report.ts';
import type { Broker } from '../../../broker/broker.ts';
import { reasonOf } from '../../../job/values/realm.ts';
import type { Summary } from '../../wire.ts';
import type { JobFeed } from '../index/job-feed.ts';
import type { JobIndex } from '../index/job-index.ts';
import type { OpenedPlace } from '../opened-place.ts';
import { Rested } from '../rested.ts';
import { LoopDelays } from './loop-delays.ts';
import { memoryOf } from './process-memory.ts';
import { type LiveFacts, summaryOf, troubledSummary } from './summary-of.ts';

/** A summary is as old as this at most, ms, where the looks cost nothing. A little less than a second: who asks each second gets a new one. */
const EVERY_MS = 900;
const CHEAP = { leastMs: EVERY_MS, factor: 60 };
/** A look that counts all names costs nothing while none changes. */
const DEAR = { leastMs: EVERY_MS, factor: 100 };
/** Where no job and no process has changed, what is dear stays as it is for so long, ms: it changes with time alone, as the room on a disk does. */
const STILL_MS = 15_000;
/** What keeps the jobs and gives no answer for so long is in trouble, ms: its page says so, and does not just stand still. */
const PATIENCE_MS = 8_000;
/** A process whose event loop is busy answers within this time, ms. One that does not is not waited for again. */
const ANSWER_MS = 100;
/** More running jobs are not shown with their workers. */
const MOST_RUNNING = 500;

export class Overview {
  readonly #feed: JobFeed;
  readonly #live: Rested<LiveFacts>;
  readonly #status: Rested<StatusFacts>;
  readonly #oldest: Rested<ReadonlyMap<string, number>>;
  readonly #summary: Rested<Summary>;
  /** The last dear look, what it was made of, and until when it stays where that is still the same, by performance.now(): clocks are set. */
  #last: { readonly status: StatusFacts; readonly of: string; readonly untilMs: number } | null = null;

  constructor(place: OpenedPlace, feed: JobFeed, patienceMs: number = PATIENCE_MS) {
    this.#feed = feed;
    const delays = new LoopDelays();
    this.#live = new Rested(() => place.ask((broker) => liveFacts(broker, delays)), CHEAP);
    this.#status = new Rested(() => place.ask(statusFacts), DEAR);
    this.#oldest = new Rested(async () => readySince(feed.index), DEAR);
    this.#summary = new Rested(() => inTime(this.#workOut(), patienceMs), { leastMs: EVERY_MS, factor: 0 });
  }

  /** Never throws. */
  summary(): Promise<Summary> {
    return this.#summary.get();
  }

  /** Something was done: what is shown next is looked at anew. */
  spoil(): void {
    this.#last = null;
    for (const look of [this.#live, this.#status, this.#oldest, this.#summary]) look.spoil();
  }

  async #workOut(): Promise<Summary> {
    try {
      const live = await this.#live.get();
      const status = await this.#statusNow(live);
      const readySinceMs = await this.#oldest.get();
      return summaryOf({ nowMs: Date.now(), live, status, index: this.#feed.index, readySinceMs });
    } catch (error) {
      this.#last = null;
      return troubledSummary(reasonOf(error), Date.now());
    }
  }

  /** What is cheap to know in it is as new as `live`. */
  async #statusNow(live: LiveFacts): Promise<StatusFacts> {
    const { owners, paused, statistics } = live;
    const { index } = this.#feed;
    const of = [index.version, index.isComplete, ...owners.flatMap((one) => [one.owner, one.verdict]), ...paused].join(
      ' ',
    );
    const last = this.#last;
    const isStill = last !== null && last.of === of && index.isComplete && performance.now() < last.untilMs;
    const status = isStill ? last.status : await this.#status.get();
    if (last === null || last.status !== status) this.#last = { status, of, untilMs: performance.now() + STILL_MS };
    const nowMs = Date.now();
    const longestWaitMs = status.longestWaitMs === 0 ? 0 : status.longestWaitMs + nowMs - status.nowMs;
    return { ...status, owners, paused, statistics, nowMs, longestWaitMs };
  }
}

async function inTime(summary: Promise<Summary>, patienceMs: number): Promise<Summary> {
  const patience = new AbortController();
  const late = wait(patienceMs, null, { signal: patience.signal, ref: false }).catch(() => null);
  const got = await Promise.race([summary, late]);
  patience.abort();
  if (got !== null) return got;
  const text = `What keeps the jobs has not answered for ${patienceMs / 1_000} s. This page goes on asking.`;
  return troubledSummary(text, Date.now());
}

async function liveFacts(broker: Broker, delays: LoopDelays): Promise<LiveFacts> {
  const owners = await broker.owners(ANSWER_MS);
  const loops = delays.note(owners, Date.now());
  const memory = owners.flatMap((owner) => {
    const bytes = memoryOf(owner);
    return bytes === null ? [] : [[owner.owner, bytes] as const];
  });
  return {
    owners,
    paused: await broker.paused(),
    statistics: await broker.statistics(),
    running: await broker.list(['running'], MOST_RUNNING),
    memory: new Map(memory),
    loops,
  };
}

/** Of each queue the earliest time since when a job of it is ready. */
function readySince(index: JobIndex): ReadonlyMap<string, number> {
  const since = new Map<string, number>();
  if (index.tallies.states.pending === 0) return since;
  for (const { queue, readyAtMs } of index.rows())
    if (readyAtMs !== null && readyAtMs < (since.get(queue) ?? Number.POSITIVE_INFINITY)) since.set(queue, readyAtMs);
  return since;
}
