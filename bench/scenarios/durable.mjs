/**
 * fsq as it is when nothing is set (`fsync: true`), among queues that are made as safe: what a call has accepted, and the end
 * of a job that was told, are on the disk. And the same fsq without fsync, to see what the safety costs.
 */
import { fsq, jobsOf, limit, peers } from './scenario.mjs';

/**
 * @typedef {object} Contest what all queues do, each in its turn
 * @property {string} words it, behind the name of each
 * @property {string} scenario as bench/peers knows it, and contestants/ behind `fsq-`
 * @property {number} full so many jobs
 * @property {number} quick
 * @property {Readonly<Record<string, unknown>>} [options] of fsq's program and the peers'
 * @property {number} [children] of fsq's worker
 * @property {readonly string[]} peers
 * @property {boolean} [hasLimit] true: the bare file system takes part
 */

const UNSYNCED = 'fsq, fsync: false';
const LIMIT = 'bare files and a journal';
const BEE = 'bee-queue';
/** With one sync or two for each job, 20,000 can take half a minute. */
const SLOW = ['BullMQ (sandboxed)', 'plainjob'];
const RATE = { figure: 'rate', unit: 'jobs/s' };

const ENQUEUEING = { scenario: 'enqueue', peers: [BEE, 'BullMQ', 'plainjob'] };
const ONE = /** @type {Contest} */ ({
  ...ENQUEUEING,
  words: 'one after another',
  full: 3_000,
  quick: 500,
  options: { mode: 'one', atOnce: 1 },
  hasLimit: true,
});
const TOGETHER = [64, 500].map((atOnce) => ({
  ...ENQUEUEING,
  words: `${atOnce} at once`,
  full: 10_000,
  quick: 1_000,
  options: { mode: 'parallel', atOnce },
  hasLimit: true,
}));
const IN_ONE_CALL = { ...ENQUEUEING, words: 'in one call', full: 10_000, quick: 1_000, options: { mode: 'bulk' } };

const WORKING = { children: 2, peers: [BEE, 'BullMQ', ...SLOW] };
const PROCESS = [5_000, 20_000].map((full) => ({
  ...WORKING,
  scenario: 'process',
  words: full.toLocaleString('en-US'),
  full,
  quick: full / 10,
  peers: WORKING.peers.filter((name) => full <= 5_000 || !SLOW.includes(name)),
}));
const END_TO_END = { ...WORKING, scenario: 'end-to-end', words: 'end to end', full: 20_000, quick: 2_000 };
const ROUND_TRIP = {
  scenario: 'round-trip',
  words: 'round trip',
  full: 2_000,
  quick: 300,
  children: 4,
  peers: [BEE, 'BullMQ', 'BullMQ (sandboxed)'],
};

/** @type {readonly import('./scenario.mjs').Scenario[]} */
export const scenarios = [
  {
    name: 'durable-enqueue',
    title: 'fsync: true, every queue as safe: enqueue 3,000 to 10,000 jobs',
    ...RATE,
    isSynced: true,
    contestants: (scale) => [ONE, ...TOGETHER, IN_ONE_CALL].flatMap((each) => contestants(scale, each)),
    rows: [
      row('enqueue, one after another', ONE),
      ...TOGETHER.map((each) => row(`enqueue, ${each.words}`, each)),
      row('enqueue, 10,000 in one call', IN_ONE_CALL),
    ],
    targets: [
      ratio(ONE, BEE, { atLeast: 1, text: "one after another: ≥ bee-queue's" }),
      ...[...TOGETHER, IN_ONE_CALL].map(nearUnsynced),
    ],
  },
  {
    name: 'durable-process',
    title: 'fsync: true, every queue as safe: process 5,000 and 20,000 waiting no-op jobs, results kept, 2 children',
    ...RATE,
    isSynced: true,
    contestants: (scale) => PROCESS.flatMap((each) => contestants(scale, each)),
    rows: PROCESS.map((each) => row(`process ${each.words}`, each)),
    targets: PROCESS.flatMap((each) => [fastest(each), nearUnsynced(each)]),
  },
  {
    name: 'durable-end-to-end',
    title: 'fsync: true, every queue as safe: end to end, 20,000 jobs, producer and worker together',
    ...RATE,
    isSynced: true,
    contestants: (scale) => contestants(scale, END_TO_END),
    rows: [row('end to end, 20,000 jobs', END_TO_END)],
    targets: [fastest(END_TO_END)],
  },
  {
    name: 'durable-round-trip',
    title: 'fsync: true, every queue as safe: round trip of one job, idle worker of 4 children, 2,000 in sequence',
    figure: 'medianMs',
    unit: 'ms',
    isSynced: true,
    contestants: (scale) => contestants(scale, ROUND_TRIP),
    rows: [
      row('round trip, median', ROUND_TRIP, { figure: 'medianMs', unit: 'ms' }),
      row('round trip, p99', ROUND_TRIP, { figure: 'p99Ms', unit: 'ms' }),
    ],
    targets: [
      ratio(ROUND_TRIP, BEE, { figure: 'medianMs', atMost: 1, text: "median ≤ bee-queue's" }),
      ratio(ROUND_TRIP, BEE, { figure: 'p99Ms', atMost: 1, text: "p99 ≤ bee-queue's" }),
    ],
  },
];

function named(queue, { words }) {
  return `${queue}, ${words}`;
}

/**
 * @param {import('./scenario.mjs').Scale} scale
 * @param {Contest} each
 */
function contestants(scale, each) {
  const jobs = jobsOf(scale, each.full, each.quick);
  const options = { ...each.options, jobs };
  const ours = { ...options, ...(each.children === undefined ? {} : { children: each.children }) };
  return [
    fsq(named('fsq', each), `fsq-${each.scenario}`, { ...ours, fsync: true }),
    fsq(named(UNSYNCED, each), `fsq-${each.scenario}`, { ...ours, fsync: false }),
    ...(each.hasLimit === true ? [limit(named(LIMIT, each), 'bare-fsync', options)] : []),
    ...peers(scale, each.scenario, { ...options, durable: true }, each.peers).map((peer) => ({
      ...peer,
      name: named(peer.name, each),
    })),
  ];
}

/** The line of the table in which they do it. */
function row(text, each, { figure, unit } = RATE) {
  const queues = ['fsq', UNSYNCED, ...(each.hasLimit === true ? [LIMIT] : []), ...each.peers];
  return { text, figure, unit, cells: Object.fromEntries(queues.map((queue) => [queue, named(queue, each)])) };
}

/** @param {string | readonly string[]} queues of several the best */
function ratio(each, queues, target) {
  const to = typeof queues === 'string' ? named(queues, each) : queues.map((queue) => named(queue, each));
  return { kind: /** @type {const} */ ('ratio'), of: named('fsq', each), to, figure: 'rate', ...target };
}

function fastest(each) {
  return ratio(each, each.peers, { atLeast: 1, text: `${each.words}: ≥ the fastest peer` });
}

function nearUnsynced(each) {
  return ratio(each, UNSYNCED, { atLeast: 0.85, text: `${each.words}: ≥ 85 % of fsq with \`fsync: false\`` });
}
