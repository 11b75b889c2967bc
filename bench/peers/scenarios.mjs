/**
 * The four scenarios, in terms of a peer (drive.mjs says what a peer is). Every one ends by asking whether each job was
 * really done: the values that the workers gave must add up, and the peer's own records must say so too.
 *
 * Job i is add(i, 1). Set-up and warm-up (jobs of another queue, through the same processes) are not in the time.
 */
import { quantile } from '../figures.mjs';
import { nowMs, startCrew } from './crew.mjs';

const CALL_MS = 30_000;

/** A Redis or a folder may serve several runs: no two use the same names. */
const bench = ({ run }) => `bench-${run}`;
const warm = ({ run }) => `warm-${run}`;

export const scenarios = {
  process: (peer, options) => withBoth(peer, options, processAll),
  enqueue: (peer, options) => withProducer(peer, options, enqueue),
  'end-to-end': (peer, options) => withBoth(peer, options, endToEnd),
  'round-trip': (peer, options) => withBoth(peer, options, roundTrip),
};

/** All jobs wait before the first worker looks: the time from the first to the last that was finished. */
async function processAll(producer, crew, options) {
  await addAll(producer, bench(options), options);
  await crew.start(bench(options));
  const done = await allFinished(producer, crew, options);
  return { jobs: options.jobs, seconds: (done.lastMs - done.firstMs) / 1000 };
}

async function enqueue(producer, options) {
  const { jobs, mode } = options;
  const add = adders[mode];
  if (add === undefined) throw new Error(`Expected a mode (${Object.keys(adders)}), got ${mode}`);
  await add(producer, warm(options), { ...options, jobs: options.warmUpJobs });
  const startMs = nowMs();
  const ids = await add(producer, bench(options), options);
  const seconds = (nowMs() - startMs) / 1000;
  expectEqual(new Set(ids).size, jobs, 'different ids');
  expectEqual(await producer.waiting(bench(options)), jobs, 'jobs that wait');
  return { jobs, seconds };
}

/** The workers wait for the first job; the time from the first call of the producer to the last finished job. */
async function endToEnd(producer, crew, options) {
  await crew.start(bench(options));
  const startMs = nowMs();
  await addAll(producer, bench(options), options);
  const done = await allFinished(producer, crew, options);
  return { jobs: options.jobs, seconds: (done.lastMs - startMs) / 1000 };
}

async function roundTrip(producer, crew, options) {
  await crew.start(bench(options));
  const times = [];
  for (let i = 0; i < options.warmUpCalls + options.jobs; i++) {
    const startMs = nowMs();
    expectEqual(await withDeadline(producer.call(bench(options), i, 1)), i + 1, 'value');
    if (i >= options.warmUpCalls) times.push(nowMs() - startMs);
  }
  return { medianMs: quantile(times, 0.5), p99Ms: quantile(times, 0.99) };
}

const adders = {
  async one(producer, queue, { jobs }) {
    const ids = [];
    for (let i = 0; i < jobs; i++) ids.push(await producer.add(queue, i, 1));
    return ids;
  },
  async parallel(producer, queue, { jobs, atOnce = 500 }) {
    const ids = [];
    for (let i = 0; i < jobs; i += atOnce) {
      const some = pairs(i, Math.min(jobs, i + atOnce)).map(([x, y]) => producer.add(queue, x, y));
      ids.push(...(await Promise.all(some)));
    }
    return ids;
  },
  async bulk(producer, queue, { jobs, bulk = 10_000 }) {
    const ids = [];
    for (let i = 0; i < jobs; i += bulk) {
      ids.push(...(await producer.addMany(queue, pairs(i, Math.min(jobs, i + bulk)))));
    }
    return ids;
  },
};

/** Adds the jobs the fastest way that the peer has. */
function addAll(producer, queue, options) {
  if (producer.addMany === undefined) return adders.parallel(producer, queue, options);
  return adders.bulk(producer, queue, { ...options, bulk: options.chunk });
}

async function allFinished(producer, crew, options) {
  const { jobs } = options;
  const done = await crew.finished(bench(options), jobs);
  await crew.pause(bench(options));
  expectEqual(done.finished, jobs, 'finished jobs');
  expectEqual(done.values, (jobs * (jobs + 1)) / 2, 'sum of the values');
  await producer.verify(bench(options), jobs);
  return done;
}

function pairs(from, to) {
  return Array.from({ length: to - from }, (_, index) => [from + index, 1]);
}

async function withProducer(peer, options, run) {
  const producer = await peer.connect(options);
  try {
    return await run(producer, options);
  } finally {
    await producer.close();
  }
}

/** With workers that have run some jobs: their code is compiled, their connections are open. */
function withBoth(peer, options, run) {
  return withProducer(peer, options, async (producer) => {
    const crew = await startCrew(peer, options);
    try {
      await addAll(producer, warm(options), { ...options, jobs: options.warmUpJobs });
      await crew.start(warm(options));
      await crew.finished(warm(options), options.warmUpJobs);
      await crew.pause(warm(options));
      return await run(producer, crew, options);
    } finally {
      await crew.disband();
    }
  });
}

async function withDeadline(promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`No result came within ${CALL_MS / 1000} s`)), CALL_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function expectEqual(actual, expected, what) {
  if (actual !== expected) throw new Error(`Expected ${expected} ${what}, got ${actual}`);
}
