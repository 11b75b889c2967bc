/** The shape of a scenario, and the contestants that several have in common. */

/**
 * @typedef {object} Scale
 * @property {boolean} isQuick
 * @property {number | null} jobs overrides a scenario's number of jobs; for a try that takes seconds
 * @property {number | null} seconds the same, of a scenario that takes minutes
 * @property {{ readonly inMemory: RedisServer, readonly durable: RedisServer }} redis
 *
 * @typedef {{ readonly port?: number, readonly missing?: string }} RedisServer `missing`: why there is none
 *
 * @typedef {object} Scenario
 * @property {string} name
 * @property {string} title
 * @property {string} unit of the main figure, for the table
 * @property {string} figure the main figure: what the table and the chart show of every contestant
 * @property {boolean} [isQuick] part of the short form
 * @property {boolean} [isLong] takes minutes in one run: run in one round
 * @property {boolean} [isSynced] the disk is synced before each run
 * @property {(scale: Scale) => readonly import('../contest.mjs').Contestant[]} contestants
 * @property {readonly import('../figures.mjs').Target[]} targets
 * @property {readonly import('../table.mjs').Row[]} [rows] its lines in the table of all queues that the page begins with
 */

/** Peers that run jobs inside the worker's process, side by side. */
export const IN_PROCESS_PEERS = ['bee-queue', 'BullMQ', 'plainjob', 'liteque'];

/** Jobs that a contestant runs or enqueues before its clock starts: code compiled, caches warm; as many as the peers'. */
export const WARM_UP_JOBS = 500;

export const NODE_LOOP = 'bare loop (Node)';
export const C_LOOP = 'bare loop (C)';

/**
 * @param {Scale} scale
 * @param {number} full
 * @param {number} quick
 */
export function jobsOf({ isQuick, jobs }, full, quick) {
  return jobs ?? (isQuick ? quick : full);
}

/**
 * @param {string} name
 * @param {string} program in contestants/, without .mjs
 * @param {Readonly<Record<string, unknown>>} options
 * @returns {import('../contest.mjs').Contestant}
 */
export function fsq(name, program, options) {
  return { name, kind: 'fsq', file: `contestants/${program}.mjs`, options };
}

/** As `fsq`, for the bare file system. */
export function limit(name, program, options) {
  return { name, kind: 'limit', file: `contestants/${program}.mjs`, options };
}

/**
 * Peers in a scenario that they know; none in the short form, where they need not be installed. With `durable: true` among
 * the options, they are as safe as fsq with `fsync: true`.
 *
 * @param {Scale} scale
 * @param {string} scenario as bench/peers knows it
 * @param {Readonly<Record<string, unknown>>} options
 * @param {readonly string[]} [names] which; default: all
 * @returns {readonly import('../contest.mjs').Contestant[]}
 */
export function peers({ isQuick, redis }, scenario, options, names = Object.keys(PEERS)) {
  if (isQuick) return [];
  const server = options['durable'] === true ? redis.durable : redis.inMemory;
  return names.map((name) => ({
    name,
    kind: 'peer',
    file: `peers/${PEERS[name]}.mjs`,
    options: { scenario, ...options, redisPort: server.port ?? null, redisMissing: server.missing ?? null },
  }));
}

const PEERS = {
  'bee-queue': 'bee-queue',
  BullMQ: 'bullmq',
  'BullMQ (sandboxed)': 'bullmq-sandboxed',
  'fsq on BullMQ': 'fsq-bullmq',
  plainjob: 'plainjob',
  liteque: 'liteque',
  'Celery (files)': 'celery',
};
