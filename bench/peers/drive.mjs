/**
 * What every peer written in JavaScript shares: `drive(peer)` reads the options, runs the scenario and prints one line of JSON.
 *
 * The same file is started again as a worker process (see crew.mjs), so that a peer works where its users' workers work: not
 * in the process of the producer.
 *
 * @typedef {object} Peer
 * @property {string} file             the peer's own file, `import.meta.url`
 * @property {string[]} packages       what must be installed
 * @property {boolean} [redis]         whether it needs `redisPort`
 * @property {boolean} [canSync]       whether the option `durable` makes it sync each commit; a peer on Redis does as its server does
 * @property {object} [defaults]       options that stand where the caller names none
 * @property {number} [mostJobs]       no more are run of it: its time for a job grows with their number
 * @property {Record<string, string>} [cannot]   scenarios (or modes of `enqueue`) that the peer has no means for, and why
 * @property {(options: object) => Promise<Producer>} connect
 * @property {(options: object, queue: string, finished: Finished) => Promise<() => Promise<void>>} work  starts a worker, gives its stop
 *
 * @typedef {(x: number, y: number, value: number) => void} Finished   to be called once the peer has recorded the job's end
 *
 * @typedef {object} Producer
 * @property {(queue: string, x: number, y: number) => Promise<unknown>} add     gives an id once the job is accepted
 * @property {(queue: string, pairs: [number, number][]) => Promise<unknown[]>} [addMany]
 * @property {(queue: string, x: number, y: number) => Promise<number>} [call]   adds a job and waits for its value
 * @property {(queue: string) => Promise<number>} waiting     how many jobs wait
 * @property {(queue: string, jobs: number) => Promise<void>} verify   throws unless the peer's own records say that all succeeded
 * @property {() => Promise<void>} close   removes what is in Redis, too
 */
import { serve } from './crew.mjs';
import { canLoad } from './load.mjs';
import { syncsAlways } from './redis.mjs';
import { scenarios } from './scenarios.mjs';

const DEFAULTS = { jobs: 20_000, concurrency: 50, processes: 1, chunk: 500, warmUpJobs: 500, warmUpCalls: 100 };

/** Runs `peer` as the command line says. The promise is never rejected: a failure is on stderr and in the exit code. */
export async function drive(peer) {
  try {
    if (process.argv[2] === '--worker') return await serve(peer);
    const given = JSON.parse(process.argv[2] ?? '{}');
    const options = { ...DEFAULTS, ...peer.defaults, ...given, run: process.pid };
    options.jobs = Math.min(options.jobs, peer.mostJobs ?? Infinity);
    console.log(JSON.stringify(await measure(peer, options)));
    process.exitCode = 0;
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  }
}

async function measure(peer, options) {
  const missing = whyMissing(peer, options);
  if (missing !== undefined) return { missing };
  const scenario = scenarios[options.scenario];
  if (scenario === undefined)
    throw new Error(`Expected a scenario (${Object.keys(scenarios)}), got ${options.scenario}`);
  if (peer.redis && options.durable && !(await syncsAlways(options.redisPort)))
    throw new Error(`Expected a Redis with appendonly yes and appendfsync always at port ${options.redisPort}`);
  return scenario(peer, options);
}

function whyMissing(peer, options) {
  const absent = peer.packages.find((name) => !canLoad(name));
  if (absent !== undefined) return `${absent} is not installed (npm ci --prefix bench)`;
  if (peer.redis && !options.redisPort) return options.redisMissing ?? 'no Redis was started';
  if (options.durable && !peer.redis && !peer.canSync) return 'it is not set up here to sync each commit';
  return peer.cannot?.[options.mode ?? options.scenario] ?? peer.cannot?.[options.scenario];
}
