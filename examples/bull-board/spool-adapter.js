/** One queue of a spool as bull-board shows queues: a subclass of its BaseAdapter, over the broker of an fsq app. */
// Its subpath `baseAdapter` has the types alone.
import { BaseAdapter } from '@bull-board/api/dist/queueAdapters/base.js';

/** bull-board's words for the states of fsq's jobs. */
const STATUS_OF = {
  running: 'active',
  pending: 'waiting',
  delayed: 'delayed',
  succeeded: 'completed',
  failed: 'failed',
  revoked: 'failed',
  expired: 'failed',
};
/** Where jobs with a status lie. */
const PLACES = { active: 'running', waiting: 'pending', delayed: 'delayed', completed: 'results', failed: 'results' };
const STATUSES = Object.keys(PLACES);
/** Of so many ended jobs, the latest ones, it counts those of the queue: all are in `fsq status`. */
const MOST_COUNTED = 5_000;

export class SpoolAdapter extends BaseAdapter {
  #app;
  #queue;

  /**
   * @param {import('fsq').App} app
   * @param {string} queue its name
   * @param {{ readOnlyMode?: boolean, description?: string }} [options] of bull-board
   */
  constructor(app, queue, options = {}) {
    super('bullmq', { ...options, allowCompletedRetries: false });
    this.#app = app;
    this.#queue = queue;
  }

  getName() {
    return this.#queue;
  }

  getStatuses() {
    return ['latest', ...STATUSES];
  }

  getJobStatuses() {
    return STATUSES;
  }

  async getJobCounts() {
    const broker = await this.#app.broker();
    const counts = Object.fromEntries(STATUSES.map((status) => [status, 0]));
    for (const { state, queue } of await broker.unended()) if (queue === this.#queue) counts[STATUS_OF[state]]++;
    let read = 0;
    await broker.list(['results'], MOST_COUNTED, (job) => {
      if (job.standing.queue === this.#queue) counts[STATUS_OF[job.state]]++;
      return ++read >= 0; // Each counts for the limit.
    });
    return counts;
  }

  async getJobs(statuses, start = 0, end = 9) {
    const broker = await this.#app.broker();
    const found = [];
    for (const status of statuses) {
      const isWanted = (job) => job.standing.queue === this.#queue && STATUS_OF[job.state] === status;
      const mayBe = ({ queue }) => queue === this.#queue;
      const jobs = await broker.list([PLACES[status]], end + 1, isWanted, mayBe);
      found.push(...jobs.slice(start));
    }
    return found.map((job) => this.#shown(job));
  }

  async getJob(id) {
    const job = await (await this.#app.broker()).find(id);
    return job === null ? null : this.#shown(job);
  }

  async getJobLogs(id) {
    const broker = await this.#app.broker();
    const texts = [];
    for (let position = 0; ;) {
      const part = await broker.log(id, position);
      if (part.lines.length === 0) return texts;
      texts.push(...part.lines.map(({ text }) => text));
      position = part.position;
    }
  }

  /** A job of fsq as bull-board asks jobs. */
  #shown(job) {
    const { id } = job;
    const broker = () => this.#app.broker();
    return {
      opts: job.dueAtMs === null ? {} : { delay: Math.max(0, job.dueAtMs - Date.now()) },
      toJSON: () => jsonOf(job),
      getState: async () => STATUS_OF[(await (await broker()).find(id))?.state] ?? 'unknown',
      retry: async () => checked((await (await broker()).retry([id])).get(id), id),
      remove: async () => {
        await (await broker()).revoke([id]);
        await (await broker()).forget([id]);
      },
      promote: () => refuse('A job begins at its time: send another one without a delay'),
    };
  }

  async addJob(name, data, { delay = 0 } = {}) {
    const broker = await this.#app.broker();
    const now = Date.now();
    const args = Array.isArray(data?.args) ? data.args : [data];
    const options = delay > 0 ? { etaMs: now + delay } : {};
    const job = { id: broker.nextId(true), task: name, args, enqueuedAtMs: now, options, headers: {} };
    await broker.enqueue([{ job, queue: this.#queue, priority: 5 }]);
    return this.getJob(job.id);
  }

  async isPaused() {
    return (await (await this.#app.broker()).paused()).includes(this.#queue);
  }

  async pause() {
    await this.#app.pause(this.#queue);
  }

  async resume() {
    await this.#app.resume(this.#queue);
  }

  /** Jobs that wait are revoked, outcomes that are older than `graceTimeMs` forgotten. */
  async clean(status, graceTimeMs) {
    const broker = await this.#app.broker();
    const before = Date.now() - graceTimeMs;
    const wanted = status === 'wait' ? 'waiting' : status;
    const jobs = await this.#all(wanted);
    const ids = jobs.filter(({ endedAtMs }) => (endedAtMs ?? 0) <= before).map(({ id }) => id);
    await (PLACES[wanted] === 'results' ? broker.forget(ids) : broker.revoke(ids));
  }

  async empty() {
    await this.clean('wait', 0);
    await this.clean('delayed', 0);
  }

  async #all(status) {
    const broker = await this.#app.broker();
    const isWanted = (job) => job.standing.queue === this.#queue && STATUS_OF[job.state] === status;
    return broker.list([PLACES[status]], Number.POSITIVE_INFINITY, isWanted);
  }

  /** Processes that take jobs of the queue: then the board does not warn that there are none. */
  async getWorkers() {
    const owners = await (await this.#app.broker()).owners();
    return owners
      .filter(({ verdict, role, queues }) => {
        const takes = queues === null || queues.includes(this.#queue);
        return verdict === 'alive' && role !== 'supervisor' && takes;
      })
      .map(({ owner, pid, host, startedAtMs }) => ({
        id: owner,
        name: String(pid),
        addr: host ?? '',
        age: Math.round((Date.now() - startedAtMs) / 1_000),
        idle: 0,
      }));
  }

  obliterate() {
    return refuse('A spool is removed as a directory, when no worker uses it');
  }

  promoteAll() {
    return refuse('Jobs begin at their times: send others without a delay');
  }

  // A spool has no Redis, and its schedules and limits stand in fsq.config.
  getRedisInfo = async () => null;
  getMetrics = async () => ({ meta: { count: 0, prevTS: 0, prevCount: 0 }, data: [], count: 0 });
  getGlobalConcurrency = async () => null;
  setGlobalConcurrency = () => refuse('Limits of queues stand in fsq.config');
  getJobSchedulers = async () => [];
  getJobSchedulersCount = async () => 0;
  removeJobScheduler = async () => false;
  updateJobScheduler = async () => 'not-found';
  runJobSchedulerNow = async () => 'not-found';
}

function jsonOf({ id, state, record, standing, progress, startedAtMs, endedAtMs, dueAtMs, owner }) {
  const failure = record?.outcome?.error ?? record?.attempts.at(-1)?.error;
  const isFailed = STATUS_OF[state] === 'failed';
  return {
    id,
    name: record?.job.task ?? '(unreadable)',
    data: { args: record?.job.args ?? [] },
    opts: record?.job.options ?? {},
    timestamp: record?.job.enqueuedAtMs ?? 0,
    delay: dueAtMs === null ? 0 : Math.max(0, dueAtMs - Date.now()),
    progress: progress === null ? 0 : Math.round(100 * progress.value),
    attemptsMade: standing.attempt,
    attemptsStarted: standing.attempt,
    priority: standing.priority,
    processedOn: startedAtMs ?? record?.attempts.at(-1)?.startedAtMs ?? null,
    processedBy: owner ?? record?.attempts.at(-1)?.owner ?? null,
    finishedOn: endedAtMs,
    failedReason: isFailed ? `${failure?.name}: ${failure?.message}` : '',
    stacktrace: failure?.stack === undefined ? [] : [failure.stack],
    returnvalue: record?.outcome?.value ?? null,
  };
}

function checked(answer, id) {
  if (answer === undefined) throw new Error(`There is no job ${id} any more`);
  if (answer !== null) throw answer;
}

async function refuse(text) {
  throw new Error(text);
}
