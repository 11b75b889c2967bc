/**
 * A producer at full rate, a worker, and outcomes that expire as fast as jobs arrive, for `seconds`. The producer keeps four
 * batches of 500 under way: it sends the next when the last job of the oldest has its outcome.
 *
 * The time to live must be long beside the time that those under way take, or an outcome expires before it was waited for.
 * Before the first outcome expires the spool is fresh; what is measured then is what the rest is compared with, in the same run.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { median } from '../figures.mjs';
import { list, makeProject, ownersIn, print, producer, readOptions, startWorker } from './project.mjs';
import { usageOf } from './usage.mjs';

const BATCHES_UNDER_WAY = 4;

const { dir, seconds, ttlMs, children, windowMs = 5_000, batch = 500 } = readOptions();
const project = makeProject(dir);
const { app, noop } = producer(project, { fsync: false });
const worker = await startWorker(project, [], { children, env: { FSQ_RESULT_TTL: `${ttlMs}ms` } });
const pids = [...ownersIn(project), process.pid];

const windows = await measure();
print(figures(windows));
await worker.stop();
await app.close();

async function measure() {
  const all = [];
  const underWay = [];
  const startedAt = performance.now();
  let current = { startMs: 0, jobs: 0, enqueueMs: 0 };
  for (;;) {
    const beganAt = performance.now();
    const { results } = await noop.delayMany(Array.from({ length: batch }, () => []));
    current.enqueueMs += performance.now() - beganAt;
    current.jobs += batch;
    // Waited for from now on: while this process is held up by the disk, the outcome may come and expire.
    underWay.push(results.at(-1)?.get('60s').catch(ignoreExpired));
    if (underWay.length >= BATCHES_UNDER_WAY) await underWay.shift();
    const nowMs = performance.now() - startedAt;
    if (nowMs - current.startMs < windowMs) continue;
    all.push(closed(current, nowMs));
    if (nowMs >= seconds * 1_000) break;
    current = { startMs: nowMs, jobs: 0, enqueueMs: 0 };
  }
  await Promise.all(underWay);
  return all;
}

/** All the same it had its outcome, which is what is waited for. */
function ignoreExpired(error) {
  if (error.code !== 'FSQ_UNKNOWN_JOB') throw error;
}

function closed({ startMs, jobs, enqueueMs }, endMs) {
  const { rssMb, descriptors } = usageOf(pids);
  return {
    startMs,
    endMs,
    rate: (jobs / (endMs - startMs)) * 1_000,
    enqueueRate: (jobs / enqueueMs) * 1_000,
    jobs,
    rssMb,
    descriptors,
    directoryMb: directoryBytes(project.spool) / 2 ** 20,
  };
}

/** What the directories themselves take: on ext4 one that was long stays so. */
function directoryBytes(path) {
  const below = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return below.reduce((sum, { name }) => sum + directoryBytesOrNone(join(path, name)), statSync(path).size);
}

function directoryBytesOrNone(path) {
  try {
    return directoryBytes(path);
  } catch {
    return 0; // Removed meanwhile.
  }
}

/** The first window is left out: code is compiled in it. */
function figures(all) {
  const fresh = all.slice(1).filter(({ endMs }) => endMs <= ttlMs);
  // The first expiry finds all that ended in a second; after another time to live everything is in balance.
  const balanced = all.filter(({ startMs }) => startMs >= 2 * ttlMs);
  const third = Math.ceil(balanced.length / 3);
  const middle = (part, key) => median(part.map((window) => window[key]));
  const growth = (key) => middle(balanced.slice(-third), key) / middle(balanced.slice(0, third), key);
  return {
    jobs: all.reduce((sum, { jobs }) => sum + jobs, 0),
    windows: all.length,
    freshRate: middle(fresh, 'rate'),
    balancedRate: middle(balanced, 'rate'),
    freshEnqueueRate: middle(fresh, 'enqueueRate'),
    enqueueRate: middle(balanced, 'enqueueRate'),
    rateGrowth: growth('rate'),
    memoryGrowth: growth('rssMb'),
    descriptorGrowth: growth('descriptors'),
    directoryGrowth: growth('directoryMb'),
    rssMb: middle(balanced.slice(-third), 'rssMb'),
    directoryMb: middle(balanced.slice(-third), 'directoryMb'),
    resultsLeft: list(`${project.spool}/results`).length,
  };
}
