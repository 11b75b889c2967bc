/**
 * The system calls by which a job lives, in the order in which fsq makes them, and what a power cut after any of them costs.
 *
 * Here the calls are written down as the protocol wants them; test/fault/crash-states.test.ts takes them from fsq itself. Names are
 * short: `j1.2` is job j1 in its second attempt, A and B are owners.
 */
import { CorruptJobError, encodeBase, parseDocument } from '../../src/job/document.ts';
import { encodeTail } from '../../src/job/tail.ts';
import type { Attempt, Outcome } from '../../src/job/job.ts';
import { type Disk, type DiskCall, type DiskState, diskStates, EMPTY, type Order } from '../support/disk-states.ts';

const DIRECTORIES = ['tmp', 'pending', 'delayed', 'running', 'results', 'spare', 'workers'];
/** A spool that is there and durable. */
const SPOOL: Disk = {
  names: new Map<string, number | 'directory'>([
    ...DIRECTORIES.map((name) => [name, 'directory'] as const),
    ['fsq.json', 99],
  ]),
  contents: new Map([[99, Buffer.from('{"format":1}')]]),
};

/** A part of a life: the calls it adds. */
type Part = (life: Life) => void;

/** The calls of these parts, one after the other. */
export function callsOf(...parts: readonly Part[]): readonly DiskCall[] {
  const life = new Life();
  for (const part of parts) part(life);
  return life.calls;
}

/** `calls` without the nth fsync, or fsync of the directory `of`. */
export function withoutFsync(calls: readonly DiskCall[], of: string | null, nth = 1): readonly DiskCall[] {
  const matching = calls.flatMap((call, i) =>
    (of === null ? call.call === 'fsync' : call.call === 'fsync directory' && call.path === of) ? [i] : [],
  );
  const dropped = matching[nth - 1];
  if (dropped === undefined) throw new Error(`There is no fsync ${nth} of ${of ?? 'a file'}`);
  return calls
    .filter((_, i) => i !== dropped)
    .map((call) => ('began' in call && call.began > dropped ? { ...call, began: call.began - 1 } : call));
}

/** Writes calls down. */
class Life {
  readonly calls: DiskCall[] = [];
  readonly #sizes = new Map<number, number>();

  create(path: string, file: number): void {
    this.calls.push({ call: 'create', path, file });
  }
  mkdir(path: string): void {
    this.calls.push({ call: 'mkdir', path });
  }
  rmdir(path: string): void {
    this.calls.push({ call: 'rmdir', path });
  }
  unlink(path: string, file: number): void {
    this.calls.push({ call: 'unlink', path, file });
  }
  rename(path: string, to: string, file: number | null): void {
    this.calls.push({ call: 'rename', path, to, file });
  }
  write(file: number, at: number, text: string): void {
    this.calls.push({ call: 'write', file, at, bytes: Buffer.from(text) });
    this.#sizes.set(file, Math.max(this.sizeOf(file), at + text.length));
  }
  truncate(file: number, size: number): void {
    this.calls.push({ call: 'truncate', file, size });
    this.#sizes.set(file, size);
  }
  fsync(file: number): void {
    this.calls.push({ call: 'fsync', file, began: this.calls.length });
  }
  fsyncDirectory(path: string): void {
    this.calls.push({ call: 'fsync directory', path, began: this.calls.length });
  }
  promise(what: string): void {
    this.calls.push({ call: 'promise', what });
  }
  sizeOf(file: number): number {
    return this.#sizes.get(file) ?? 0;
  }
}

const base = (id: string): string =>
  encodeBase({ id, task: 't', args: ['x'.repeat(id === 'j1' ? 40 : 10)], enqueuedAtMs: 1, options: {}, headers: {} });
const END_OF_BASE = base('j1').length - '\n}'.length;
const attempt = (n: number): Attempt => ({ attempt: n, endedAtMs: 1, owner: 'A' });
const RIGHT: Outcome = { state: 'succeeded', value: { sum: 'z'.repeat(150) } };
const standing = { queue: 'default', priority: 5, attempt: 1, crashes: 0 };
const outcomeTail = (n: number): string => encodeTail([attempt(n)], { outcome: RIGHT, standing });

/** establish.ts */
export const establish: Part = (life) => {
  for (const name of DIRECTORIES) life.mkdir(name);
  life.create('tmp/format', 99);
  life.write(99, 0, '{"format":1}');
  life.fsync(99);
  life.fsyncDirectory('');
  life.rename('tmp/format', 'fsq.json', 99);
  life.fsyncDirectory('');
};

/** enqueue.ts */
export const enqueue: Part = (life) => {
  life.create('tmp/j1', 1);
  life.write(1, 0, base('j1'));
  life.fsync(1);
  life.rename('tmp/j1', 'pending/j1.0', 1);
  life.fsyncDirectory('pending');
  life.promise('j1');
};

/** owner.ts: proof, record, directory */
export const start: Part = (life) => {
  life.create('workers/A.sock', 10);
  life.fsyncDirectory('workers');
  life.mkdir('running/A');
  life.fsyncDirectory('running');
};

/** claim.ts */
export const claim: Part = (life) => life.rename('pending/j1.0', 'running/A/j1.1', 1);

/** settle.ts */
export const finish: Part = (life) => {
  writeTail(life, outcomeTail(1));
  life.rename('running/A/j1.1', 'results/j1', 1);
  life.fsyncDirectory('results');
};

/** settle.ts: no worker knows the task; then one does, and runs it. */
export const park: Part = (life) => {
  writeTail(life, encodeTail([], { parked: { reason: 'r'.repeat(250), sinceMs: 1 } }));
  life.rename('running/A/j1.1', 'delayed/j1.0', 1);
  life.fsyncDirectory('delayed');
  life.rename('delayed/j1.0', 'pending/j1.0', 1);
  claim(life);
};

/** write-tail.ts: a write or fsync failed, and the content goes into a new file. */
export const finishByCopy: Part = (life) => {
  life.write(1, END_OF_BASE, outcomeTail(1));
  life.fsyncDirectory('running/A');
  life.create('tmp/copy', 2);
  life.write(2, 0, base('j1').slice(0, -2) + outcomeTail(1));
  life.fsync(2);
  life.rename('tmp/copy', 'running/A/j1.1', 2);
  life.rename('running/A/j1.1', 'results/j1', 2);
  life.fsyncDirectory('results');
};

/** take-back.ts: B sends back what A held, and forgets A. */
export const recover: Part = (life) => {
  life.rename('running/A', 'running/A~B', null);
  writeTail(life, encodeTail([{ ...attempt(1), error: { name: 'WorkerLostError', message: '' } }], null));
  life.rename('running/A~B/j1.1', 'delayed/j1.1', 1);
  life.fsyncDirectory('delayed');
  life.rmdir('running/A~B');
  life.fsyncDirectory('running');
  life.unlink('workers/A.sock', 10);
};

/** owner.ts: the orderly end */
export const shutdown: Part = (life) => {
  life.rmdir('running/A');
  life.fsyncDirectory('running');
  life.unlink('workers/A.sock', 10);
};

/** expire.ts */
export const expire: Part = (life) => {
  life.promise('j1 may expire');
  life.mkdir('tmp/E');
  life.rename('results/j1', 'tmp/E/f', 1);
  life.fsyncDirectory('results');
  life.fsyncDirectory('tmp/E');
  life.rename('tmp/E', 'spare/E', null);
};

/** spare.ts and enqueue.ts: another job goes into the old file. */
export const reuse: Part = (life) => {
  const oldSize = life.sizeOf(1);
  life.rename('spare/E', 'tmp/P', null);
  life.write(1, 0, base('j2'));
  if (oldSize > base('j2').length) life.truncate(1, base('j2').length);
  life.fsync(1);
  life.rename('tmp/P/f', 'pending/j2.0', 1);
  life.fsyncDirectory('pending');
  life.promise('j2');
};

/** write-tail.ts: an older tail is cut, and that is on disk before the new one is written. */
function writeTail(life: Life, tail: string): void {
  if (life.sizeOf(1) > END_OF_BASE + '\n}'.length) {
    life.write(1, END_OF_BASE, '\n}');
    life.truncate(1, END_OF_BASE + '\n}'.length);
    life.fsync(1);
  }
  life.write(1, END_OF_BASE, tail);
  life.fsync(1);
}

/** What the states after a cut may cost, each with the story of one such state. */
export function lossesOf(
  calls: readonly DiskCall[],
  order: Order,
): { readonly states: number; readonly losses: ReadonlyMap<string, string> } {
  const isNew = calls.some((call) => call.call === 'mkdir' && call.path === 'pending');
  const states = diskStates(calls, order, isNew ? EMPTY : SPOOL);
  const losses = new Map<string, string>();
  for (const state of states) for (const loss of lossesIn(state)) if (!losses.has(loss)) losses.set(loss, state.story);
  return { states: states.length, losses };
}

function* lossesIn({ names, contents, promises }: DiskState): Generator<string> {
  const format = names.get('fsq.json');
  const text = typeof format === 'number' ? (contents.get(format)?.toString() ?? '') : '';
  // An empty one is written anew (establish.ts).
  if (text !== '' && text !== '{"format":1}') yield 'the spool cannot be opened';
  if (promises.length > 0 && typeof format === 'number' && text === '')
    yield 'a spool with accepted jobs has no format';

  const jobs = [...names].flatMap(([path, file]) =>
    typeof file === 'number' && isJobPath(path) ? [{ path, text: contents.get(file)?.toString() ?? '' }] : [],
  );
  for (const id of promises.filter((what) => !what.includes(' ')))
    if (!jobs.some(({ path }) => idIn(path) === id) && !promises.includes(`${id} may expire`))
      yield 'an accepted job has no name';
  for (const { path, text: content } of jobs) yield* lossesOfJob(path, content, promises);
  const ids = jobs.map(({ path }) => idIn(path));
  if (new Set(ids).size < ids.length) yield 'a job has two names';
  for (const path of names.keys()) {
    const [, responsible] = /^running\/(?:\w+~)?(\w+)$/.exec(path) ?? [];
    if (responsible === 'A' && !names.has('workers/A.sock')) yield 'a directory of an owner that cannot be asked';
  }
}

function* lossesOfJob(path: string, content: string, promises: readonly string[]): Generator<string> {
  const id = idIn(path);
  try {
    const { record, torn } = parseDocument(content, id);
    const attemptInName = Number(path.split('.').at(-1));
    const isVisible = path.startsWith('results/');
    const counts = isVisible || (record.attempts.at(-1)?.attempt ?? 0) >= Math.max(1, attemptInName);
    if (isVisible && (record.outcome === null || torn)) yield 'half an outcome is visible';
    else if (counts && record.outcome !== null && JSON.stringify(record.outcome) !== JSON.stringify(RIGHT))
      yield 'a wrong outcome counts';
  } catch (error) {
    if (!(error instanceof CorruptJobError)) throw error;
    yield path.startsWith('results/') ? 'half an outcome is visible' : 'half a job is visible';
    if (promises.includes(id) && !promises.includes(`${id} may expire`)) yield 'an accepted job is not whole';
  }
}

function isJobPath(path: string): boolean {
  return /^(?:pending|delayed|results|running\/[^/]+)\/j\d/.test(path);
}

function idIn(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).split('.')[0] ?? '';
}
