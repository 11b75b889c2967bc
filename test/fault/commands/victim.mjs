/**
 * The process under fire: it does one thing to the broker at the address given, and tells on stdout what it was promised, one line each,
 * written before the next step begins:
 *
 *   ready OWNER · accept ID · run ID ATTEMPT · over ID · settled ID · answer ID WORD · failed CODE TEXT · done
 */
import fs from 'node:fs';
import { openBroker } from '../../../dist/open.js';

const [, , address, operation] = process.argv;
const RUN = { startedAtMs: 1_000, endedAtMs: 2_000 };
const RETURNED = { kind: 'publish', outcome: { state: 'succeeded', value: { by: 'op' } } };
const ALL = { queues: null };

const broker = openBroker({ address: JSON.parse(address), resultTtlMs: {}, lockMs: Number(process.env['LOCK_MS']) });
const parts = [];

/** What is done before the commands are counted, and then. */
const OPERATIONS = {
  send: [nothing, ({ jobs }) => enqueue(jobs)],
  unique: [nothing, ({ jobs }) => unique(jobs)],
  run: [consumer, run],
  chain: [consumer, chain],
  recover: [keeper, ({ owner }, mine) => mine.recover(owner, 'crashed')],
  revoke: [nothing, ({ ids, terminate }) => answer(ids, broker.revoke(ids, { terminate }))],
  retry: [nothing, ({ ids }) => answer(ids, broker.retry(ids))],
  forget: [nothing, ({ ids }) => answer(ids, broker.forget(ids))],
  tick: [nothing, tick],
  pause: [nothing, ({ queue }) => broker.pause(queue)],
  resume: [nothing, ({ queue }) => broker.resume(queue)],
  start: [() => undefined, begin],
  begin: [nothing, begin],
  close: [begin, closeAll],
};

const [prepare, act] = OPERATIONS[operation];
const mine = await prepare();
say('ready', mine?.owner ?? '');
const input = JSON.parse(await line());
try {
  await act(input, mine);
  say('done');
} catch (error) {
  tell(error);
}
await closeAll();
process.exit(0);

/** The connection is there, and nothing else. */
async function nothing() {
  await broker.counts();
}

async function keeper() {
  return opened(await broker.keeper(ALL));
}

async function consumer() {
  return opened(await broker.consumer({ ...ALL, tasks: ['echo'] }));
}

async function begin() {
  await keeper();
  await consumer();
}

function opened(part) {
  parts.push(part);
  return part;
}

async function enqueue(jobs) {
  await broker.enqueue(jobs);
  for (const { job } of jobs) say('accept', job.id);
}

async function unique(jobs) {
  for (const one of jobs) {
    const { id, isDuplicate } = await broker.enqueueUnique(one, { key: 'k', until: 'ended' });
    say(isDuplicate ? 'duplicate' : 'accept', id);
  }
}

async function tick({ instants, jobs }) {
  for (const [i, atMs] of instants.entries()) {
    const { id } = (await broker.schedules.send({ schedule: 'tick', atMs, pattern: 'every 1s' }, jobs[i])) ?? {};
    say('accept', id);
  }
}

/** Well within the time in which this process must end. */
async function nextOf(taker) {
  const claim = await taker.next(AbortSignal.timeout(30_000));
  if (claim === null) throw Object.assign(new Error('nothing to claim'), { code: 'OP_TIMEOUT' });
  return claim;
}

async function run({ settlement = RETURNED, jobs }, taker) {
  for (let i = 0; i < jobs; i++) {
    const claim = await nextOf(taker);
    const { id } = claim.job;
    say('run', id, claim.standing.attempt);
    say('over', id);
    await claim.settle(settlement, settlement.kind === 'park' ? null : RUN);
    say('settled', id);
  }
}

/** Takes the next one while the end of the one before it is on its way. */
async function chain({ jobs }, taker) {
  const settling = [];
  for (let i = 0; i < jobs; i++) {
    const claim = await nextOf(taker);
    const { id } = claim.job;
    say('run', id, claim.standing.attempt);
    say('over', id);
    settling.push(claim.settle(RETURNED, RUN).then(() => say('settled', id)));
  }
  await Promise.all(settling);
}

async function answer(ids, asked) {
  const answers = await asked;
  for (const id of ids) {
    const word = answers.get(id);
    say('answer', id, word === null ? 'back' : (word?.code ?? word ?? 'missing'));
  }
}

async function closeAll() {
  for (const part of [...parts.splice(0).reverse(), broker]) {
    try {
      await part.close();
    } catch (error) {
      tell(error);
    }
  }
}

function tell(error) {
  say('failed', error?.code ?? 'untyped', String(error?.stack ?? error).replaceAll('\n', ' '));
}

function say(...words) {
  fs.writeSync(1, `${words.join(' ')}\n`);
}

async function line() {
  for await (const chunk of process.stdin) return String(chunk);
}
