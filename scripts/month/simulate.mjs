/**
 * Days of a busy spool by a clock that is moved: a real spool, whose jobs are sent, run, tried again and forgotten by fsq's own parts in this
 * process. After each step the worker ends and a new one begins.
 */
import { lstatSync, readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { settlementOf } from '../../dist/job/lifecycle.js';
import { openSpool } from '../../dist/spool/spool.js';

const DAY_MS = 86_400_000;
/** Successes for a day, failures for a week. */
const RESULT_TTL_MS = { succeeded: DAY_MS, failed: 7 * DAY_MS };
const AT_ONCE = { initialMs: 0, factor: 1, maxMs: 0, jitter: false };

/**
 * Of a hundred jobs two fail for good, three are tried again and succeed, ten have a result that is ignored, and one has a key.
 *
 * @param {{ path: string, days: number, jobsPerDay: number, stepsPerDay: number, onDay?: (day: Day) => void }} plan
 * @typedef {{ day: number, files: number, bytes: number }} Day what the spool holds at the end of a day
 * @returns {Promise<readonly Day[]>}
 */
export async function simulate({ path, days, jobsPerDay, stepsPerDay, onDay = () => {} }) {
  const found = [];
  // Never ahead of the machine's clock, by which the file system notes times.
  const startMs = Date.now() - (days + 1) * DAY_MS;
  let atMs = startMs;
  const broker = openSpool({ path, fsync: false, nowMs: () => atMs, resultTtlMs: RESULT_TTL_MS });
  // The clock that does not jump moves on as well: what a producer does each second of its time, it does in each step.
  const sinceStart = performance.now.bind(performance);
  performance.now = () => sinceStart() + atMs - startMs;
  // What fsq waits with keeps no process alive.
  const alive = setInterval(() => {}, 1_000);
  for (let step = 0; step < days * stepsPerDay; step++) {
    atMs = startMs + (step * DAY_MS) / stepsPerDay;
    await work(broker, path, Math.round(jobsPerDay / stepsPerDay), () => atMs);
    await broker.tidy();
    if ((step + 1) % stepsPerDay > 0) continue;
    const day = { day: (step + 1) / stepsPerDay, ...sizeOf(path) };
    found.push(day);
    onDay(day);
  }
  clearInterval(alive);
  await broker.close();
  performance.now = sinceStart;
  return found;
}

/** Sends so many jobs and runs them all to their end. */
async function work(broker, path, count, nowMs) {
  const jobs = Array.from({ length: count }, (_, i) => jobOf(broker, i % 100, nowMs()));
  await broker.enqueue(jobs.filter(({ job }) => job.options.key === undefined));
  const keyed = jobs.filter(({ job }) => job.options.key !== undefined);
  for (const each of keyed) await broker.enqueueUnique(each, { key: each.job.options.key, until: 'ended' });
  const keeper = await broker.keeper({ queues: null });
  const consumer = await broker.consumer({ queues: null, tasks: ['work'] });
  for (let ended = 0; ended < count;) {
    const claim = await consumer.next(new AbortController().signal);
    const settlement = settlementOf(endingOf(claim), claim, nowMs(), 0);
    await claim.settle(settlement, { startedAtMs: nowMs(), endedAtMs: nowMs() });
    if (settlement.kind !== 'publish') continue;
    ended++;
    // The end of a job is the time of its file, which the file system knows by its own clock.
    utimesSync(join(path, 'results', `${claim.job.id}.json`), nowMs() / 1_000, nowMs() / 1_000);
  }
  await consumer.close();
  await keeper.close();
}

function jobOf(broker, part, enqueuedAtMs) {
  const options = {
    ...(part < 5 ? { retries: 1, backoff: AT_ONCE } : {}),
    ...(part >= 90 ? { ignoreResult: true } : {}),
    ...(part === 89 ? { key: crypto.randomUUID() } : {}),
  };
  const id = broker.nextId(options.ignoreResult === true);
  const args = [part, 'x'.repeat(200)];
  return { job: { id, task: 'work', args, enqueuedAtMs, options, headers: {} }, queue: 'default', priority: 5 };
}

function endingOf({ job, standing }) {
  const [part] = job.args;
  const fails = part < 2 || (part < 5 && standing.attempt === 1);
  return fails ? { kind: 'threw', error: { name: 'Error', message: 'no' } } : { kind: 'returned', value: part };
}

function sizeOf(path) {
  let [files, bytes] = [0, 0];
  for (const entry of readdirSync(path, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    files++;
    bytes += lstatSync(join(entry.parentPath, entry.name)).size;
  }
  return { files, bytes };
}

/** The days after which nothing more is to be added: the longest time to live, and one day. */
export const FULL_AFTER_DAYS = 8;
/** How much the days after that may differ, of the largest. */
const UNEVEN = 0.05;

/** What is wrong with these days, or null: from the ninth on the spool must hold about the same. */
export function unevenness(days) {
  const late = days.filter(({ day }) => day > FULL_AFTER_DAYS);
  if (late.length === 0) return `there is no day after day ${FULL_AFTER_DAYS}`;
  for (const what of ['files', 'bytes']) {
    const all = late.map((day) => day[what]);
    const [least, most] = [Math.min(...all), Math.max(...all)];
    if (!(most - least <= UNEVEN * most))
      return `from day ${FULL_AFTER_DAYS + 1} on there are ${least} to ${most} ${what}`;
  }
  return null;
}
