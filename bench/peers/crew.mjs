/**
 * The worker processes of a peer, seen from both ends: `startCrew` in the process that measures, `serve` in each worker.
 *
 * A worker adds up what it finished and tells it a hundred times a second, not once a job. Its times come from the clock
 * that all processes of the machine share (process.hrtime is CLOCK_MONOTONIC), so they can be compared with the producer's.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const REPORT_MS = 10;
/** So long may pass without one more finished job. */
const STALL_MS = 60_000;
/** So long may a worker take to end what it has started, such as processes of its own. */
const END_MS = 10_000;

/** Starts `options.processes` workers of `peer`; none of them works on a queue yet. */
export async function startCrew(peer, options) {
  const news = makeBell();
  const members = Array.from({ length: options.processes }, () => startMember(peer, options, news));
  await Promise.all(members.map((member) => member.heard('ready')));
  return {
    /** Lets every worker work on `queue`; resolves when all do. */
    start: (queue) => Promise.all(members.map((member) => member.tell({ start: queue }, 'started'))),
    /** Ends the work on `queue`. */
    pause: (queue) => Promise.all(members.map((member) => member.tell({ stop: queue }, 'stopped'))),
    /** Waits until `jobs` jobs of `queue` are finished; gives when the first and the last were, and the sum of the values. */
    finished: (queue, jobs) => finished(members, news, queue, jobs),
    /** Ends the processes. */
    disband: () => Promise.all(members.map((member) => member.end())),
  };
}

function startMember(peer, options, news) {
  const child = fork(fileURLToPath(peer.file), ['--worker', JSON.stringify(options)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const tallies = new Map();
  child.on('message', (message) => {
    if (message.tally === undefined) return;
    tallies.set(message.queue, message.tally);
    news.ring();
  });
  const failed = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`A worker of the peer ended with ${signal ?? code} before its work was done`);
  });
  // Who waits for something races with this; nobody waits when it is meant to end.
  failed.catch(() => {});
  const heard = (what) => Promise.race([failed, messageWith(child, what)]);
  return {
    tallies,
    failed,
    heard,
    tell(message, reply) {
      const answer = heard(reply);
      child.send(message);
      return answer;
    },
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      if (child.connected) child.disconnect();
      const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}

function messageWith(child, what) {
  return new Promise((done) => {
    const look = (message) => {
      if (!(what in message)) return;
      child.off('message', look);
      done(message);
    };
    child.on('message', look);
  });
}

async function finished(members, news, queue, jobs) {
  let reached = 0;
  for (let changedAt = Date.now(); ;) {
    const total = sumOf(members.map((member) => member.tallies.get(queue)).filter(Boolean));
    if (total.wrong > 0) throw new Error(`${total.wrong} jobs of ${queue} had a wrong value`);
    if (total.finished >= jobs) return total;
    if (total.finished > reached) [reached, changedAt] = [total.finished, Date.now()];
    if (Date.now() - changedAt > STALL_MS) {
      throw new Error(`${reached} of ${jobs} jobs of ${queue} finished, and for ${STALL_MS / 1000} s no more`);
    }
    await Promise.race([news.next(), ...members.map((member) => member.failed)]);
  }
}

/** Wakes who waits for news, and at the latest after a second. */
function makeBell() {
  let wake = () => {};
  return {
    ring: () => wake(),
    next: () =>
      new Promise((done) => {
        const timer = setTimeout(done, 1_000);
        wake = () => {
          clearTimeout(timer);
          done();
        };
      }),
  };
}

function sumOf(tallies) {
  const sum = { finished: 0, wrong: 0, values: 0, firstMs: Infinity, lastMs: 0 };
  for (const tally of tallies) {
    sum.finished += tally.finished;
    sum.wrong += tally.wrong;
    sum.values += tally.values;
    sum.firstMs = Math.min(sum.firstMs, tally.firstMs);
    sum.lastMs = Math.max(sum.lastMs, tally.lastMs);
  }
  return sum;
}

/** The time in ms of the clock that all processes share. */
export function nowMs() {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** The other end: this process is a worker until its parent goes away. */
export async function serve(peer) {
  const options = JSON.parse(process.argv[3]);
  const stops = new Map();
  process.on('disconnect', async () => {
    await Promise.allSettled([...stops.values()].map((stop) => stop()));
    process.exit(1);
  });
  process.on('message', async (message) => {
    if (message.start !== undefined) {
      stops.set(message.start, await peer.work(options, message.start, tallyOf(message.start)));
      process.send({ started: message.start });
    }
    if (message.stop !== undefined) {
      await stops.get(message.stop)();
      stops.delete(message.stop);
      process.send({ stopped: message.stop });
    }
  });
  process.send({ ready: true });
}

function tallyOf(queue) {
  const tally = { finished: 0, wrong: 0, values: 0, firstMs: 0, lastMs: 0 };
  let told = 0;
  setInterval(() => {
    if (tally.finished > told && process.connected) process.send({ queue, tally });
    told = tally.finished;
  }, REPORT_MS);
  return (x, y, value) => {
    tally.lastMs = nowMs();
    if (tally.finished === 0) tally.firstMs = tally.lastMs;
    tally.finished += 1;
    tally.values += value;
    if (value !== x + y) tally.wrong += 1;
  };
}
