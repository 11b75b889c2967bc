/**
 * What the operations in this folder share. Each is a program that does one thing to the spool named by its first argument,
 * through the built library, and tells on stdout what it was promised: one line each, written before the next call begins.
 *
 *   send ID · accept ID · reject ID · uncertain ID      an enqueue began · resolved · was rejected, with nothing queued · or may be
 *   run ID ATTEMPT · settled ID                          an attempt began · `settle` resolved
 *   failed CODE TEXT                                     a call was rejected with an error that has a code
 *   untyped TEXT                                         … with one that has none: a fault in fsq
 *   called ID ROW                                        a job got this row as its argument, and keeps it or gets a later one
 *   again ID                                             a job that had ended was sent back
 *   done                                                 everything asked for was done
 */
import fs from 'node:fs';
import { settlementOf } from '../../../dist/job/lifecycle.js';
import { openSpool } from '../../../dist/spool/spool.js';

/** strace shows these calls; faults are injected into those between them. */
export const MARK = { begin: '/fsq-marker-begin', end: '/fsq-marker-end' };

export const path = process.argv[2];
/** What the operation needs to know beyond the spool: JSON. */
export const input = JSON.parse(process.argv[3] ?? '{}');

export const RUN = { startedAtMs: 1_000, endedAtMs: 2_000 };
export const RETURNED = { kind: 'publish', outcome: { state: 'succeeded', value: { by: 'op' } } };

/** As a worker does it: null when the job of `claim` may begin, or what becomes of it because it is too late for that. */
export function expiryOf(claim, nowMs) {
  if (nowMs <= (claim.job.options.expiresAtMs ?? Infinity)) return null;
  return settlementOf({ kind: 'expired' }, claim, nowMs, 0);
}

export function say(...words) {
  fs.writeSync(1, `${words.join(' ')}\n`);
}

/** More calls than the runtime makes in any thread while it loads modules, which it does in the pool that later runs fsync. */
const CALLS_OF_LOADING = 150;

/** strace counts in each thread: with this head start the nth call of the main thread is the nth of no other. */
function countAhead() {
  for (let i = 0; i < CALLS_OF_LOADING; i++) {
    try {
      fs.closeSync(fs.openSync('/dev/null'));
    } catch {
      // A fault that was meant for a later call: the number of calls before it is the same in almost every run.
    }
  }
}

export function mark(point) {
  if (point === 'begin') countAhead();
  try {
    fs.accessSync(MARK[point]);
  } catch {
    // There is no such file: the call itself is what is wanted.
  }
}

/** Does `act` between the marks; what it throws is told, not thrown. */
export async function measure(act) {
  mark('begin');
  try {
    await act();
    say('done');
  } catch (error) {
    sayError(error);
  } finally {
    mark('end');
  }
}

export function sayError(error) {
  const text = String(error?.message ?? error).replaceAll('\n', ' ');
  if (typeof error?.code === 'string') say('failed', error.code, text);
  else say('untyped', error?.stack?.replaceAll('\n', ' ') ?? text);
}

export function open(options = {}) {
  return openSpool({ path, ...options });
}

export function newJob(broker, parts = {}) {
  const { etaMs } = parts;
  const options = { ...parts.options, ...(etaMs === undefined ? {} : { etaMs }) };
  const job = { id: broker.nextId(), task: 'echo', args: ['ä', 1], enqueuedAtMs: Date.now(), options, headers: {} };
  return { job, queue: 'default', priority: 5 };
}

/** Enqueues `jobs` in one call and tells what became of each. */
export async function enqueue(broker, jobs) {
  const ids = jobs.map(({ job }) => job.id);
  for (const id of ids) say('send', id);
  try {
    await broker.enqueue(jobs);
  } catch (error) {
    if (!String(error?.code).startsWith('FSQ_')) say('untyped', error?.stack?.replaceAll('\n', ' '));
    for (const id of ids) say(error.uncertain?.includes(id) ? 'uncertain' : 'reject', id);
    return;
  }
  for (const id of ids) say('accept', id);
}

/** Ends `part` of the operation after the measurement; a fault that lasts shows here too. */
export async function close(...parts) {
  for (const part of parts) {
    try {
      await part?.close();
    } catch (error) {
      sayError(error);
    }
  }
}

/** Nobody waits so long but where something is broken; a busy machine may need a good part of it under strace. */
const PATIENCE_MS = 60_000;

/** The next claim; fails when that takes longer than any operation here may. */
export async function nextOf(consumer) {
  const claim = await within(consumer, PATIENCE_MS);
  if (claim === null) throw Object.assign(new Error('nothing to claim'), { code: 'OP_TIMEOUT' });
  return claim;
}

/** The next claim, or null after `ms`. */
export async function within(consumer, ms) {
  const controller = new AbortController();
  // Neither the timer of AbortSignal.timeout nor those of a consumer keep a process alive: it would end in the midst of its wait.
  const timer = setTimeout(() => controller.abort(), ms);
  try {
    return await consumer.next(controller.signal);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves when `look` is true; fails when that takes longer than any operation here may. */
export async function until(look, name) {
  const endAt = performance.now() + PATIENCE_MS;
  while (!look()) {
    if (performance.now() > endAt)
      throw Object.assign(new Error(`Waited in vain until ${name}`), { code: 'OP_TIMEOUT' });
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Everything a broker tells on its own, for the log of a failed point. */
export function onEvent(event) {
  say('event', event.kind, event.id ?? event.name ?? event.owner ?? event.error?.code ?? '');
}
