/** Whether fsq kept its word at one point: what the programs said, held against what the spool holds in the end. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from '../../../src/job/document.ts';
import { parseProgress } from '../../../src/job/values/progress.ts';
import { BesideSweep } from '../../../src/spool/beside/sweep-beside.ts';
import { nodeFiles } from '../../../src/spool/disk/files.ts';
import { walkIfThere } from '../../../src/spool/disk/if-there.ts';
import { parseJobFileName } from '../../../src/spool/layout.ts';
import { contextFor } from '../../../src/spool/doctor/examine.ts';
import { isSegmentAside } from '../../../src/spool/journal/segment.ts';
import { KeySweep } from '../../../src/spool/keys/sweep-keys.ts';
import { openSpool } from '../../../src/spool/spool.ts';
import { job } from '../../support/factory.ts';
import { placesOf } from '../../support/invariants.ts';
import type { Fault, Traced } from '../../support/strace.ts';
import { instantsOf } from './instants.ts';
import { isRepeatedLater, type Operation } from './catalogue.ts';
import type { Planted } from './planting.ts';
import { checkSpool } from '../../oracle/check.ts';

/** Errors that pass: fsq waits them out and neither loses nor repeats a run for them. */
const PASSING = ['EIO', 'ENOSPC', 'EDQUOT', 'EMFILE', 'EINTR'];

/** Calls that no signal interrupts (signal(7) and their own pages): what an error of theirs means is the same whatever its name. */
const UNINTERRUPTED = new Set(['bind', 'listen']);
/** What Node.js ends with where nothing is left that could end what the program waits for. */
const UNSETTLED = 13;
const TOLD_FAILURES = new Set(['failed', 'reject', 'uncertain']);

export interface Evidence {
  readonly operation: Operation;
  readonly spool: string;
  readonly fault: Fault;
  readonly planted: readonly Planted[];
  /** The process under fire, then whoever recovered after it, each to its end. */
  readonly attacked: readonly Traced[];
  readonly drained: Traced;
  /** Taken between the two. */
  readonly before: Snapshot;
}

export interface Snapshot {
  /** Outcomes that are there, or that lie whole in the file of a job whose owner died: no run may follow. */
  readonly ended: ReadonlySet<string>;
  /** The bytes in results/, as a hash. */
  readonly published: ReadonlyMap<string, string>;
  /** Keys of which more than one job waits. */
  readonly doubled: readonly string[];
}

export function takeSnapshot(spool: string): Snapshot {
  const published = new Map<string, string>();
  const ended = new Set<string>();
  const waiting: string[] = [];
  if (!existsSync(join(spool, 'fsq.json'))) return { ended, published, doubled: [] };
  for (const [id, paths] of placesOf(spool)) {
    for (const path of paths) {
      const text = readFileSync(join(spool, path), 'utf8');
      if (path.startsWith('results/')) published.set(id, createHash('sha256').update(text).digest('hex'));
      if (path.startsWith('results/') || (path.startsWith('running/') && isWhole(text, path))) ended.add(id);
      const key = path.startsWith('pending/') ? /"options":\{"key":"([^"]*)"/.exec(text)?.[1] : undefined;
      if (key !== undefined) waiting.push(key);
    }
  }
  return { ended, published, doubled: waiting.filter((key, i) => waiting.indexOf(key) !== i) };
}

function isWhole(text: string, path: string): boolean {
  const name = parseJobFileName(path.slice(path.lastIndexOf('/') + 1));
  try {
    const { record, torn } = parseDocument(text, name?.id ?? '');
    return !torn && record.outcome !== null && (record.attempts.at(-1)?.attempt ?? 0) >= (name?.attempt ?? 0);
  } catch {
    return false; // No job: it has no outcome yet.
  }
}

/** Every broken promise, one sentence each; [] when all were kept. */
export async function violations(evidence: Evidence): Promise<readonly string[]> {
  if (isSegmentLost(evidence)) return [...endsOf(evidence), ...drainOf(evidence), ...residueOf(evidence)];
  return [
    ...endsOf(evidence),
    ...drainOf(evidence),
    ...jobsOf(evidence),
    ...outcomesOf(evidence),
    ...statesOf(evidence),
    ...argumentsOf(evidence),
    ...residueOf(evidence),
    ...(await besideOf(evidence)),
    ...(await invariantsOf(evidence)),
    ...(await keysOf(evidence)),
    ...(await instantsOf(evidence.spool, evidence.operation.instants, evidence.fault.isForGood === true)),
  ];
}

/**
 * A segment that the disk refuses to give, time and again, or that this user may not read, is set aside and told: what it alone records is
 * lost with it.
 */
function isSegmentLost({ spool, operation, fault }: Evidence): boolean {
  const isRefused = ['EACCES', 'EPERM'].includes(fault.effect) || (fault.isForGood && fault.effect === 'EIO');
  return (
    isRefused && operation.name === 'replay the journal' && readdirSync(join(spool, 'corrupt')).some(isSegmentAside)
  );
}

/** How the attacked processes ended: killed by the fault, or by themselves with errors that have a code. */
function endsOf({ operation, attacked, fault }: Evidence): string[] {
  return attacked.flatMap((run) => {
    const said = wordsOf(run);
    const untyped = said
      .filter(([word]) => word === 'untyped')
      .map((words) => `an error without a code: ${words.slice(1).join(' ')}`);
    // Node ends itself when closing a file that it opened for us fails: a death like any other.
    if (run.stderr !== '' && !run.stderr.includes('node::Assert'))
      untyped.push(`it died with ${run.stderr.slice(0, 600)}`);
    if (run.code === UNSETTLED) untyped.push(`it ended in the midst of a wait: ${run.stdout.slice(-300)}`);
    if (fault.effect.startsWith('SIG')) {
      const failed = said.filter(([word]) => word === 'failed').map((words) => `without any fault: ${words.join(' ')}`);
      return [...untyped, ...failed, ...(run.isTimedOut ? ['it hung'] : [])];
    }
    if (fault.isForGood) return untyped;
    if (fault.effect === 'EINTR' && !UNINTERRUPTED.has(fault.name)) {
      const heard = said.filter(([word]) => TOLD_FAILURES.has(word ?? '')).map((words) => words.join(' '));
      untyped.push(...heard.map((text) => `an interrupted call was not repeated: ${text}`));
    }
    if (isRepeatedLater(operation, fault.effect)) return untyped;
    // A spool that cannot be used is reported: a worker ends for it.
    const isReported = said.some(([word, kind]) => word === 'event' && kind === 'unusable');
    const stuck = !isReported && (run.isTimedOut || said.some(([, code]) => code === 'OP_TIMEOUT'));
    return [...untyped, ...(stuck ? [`one ${fault.effect} and it never went on: ${run.stdout.slice(-300)}`] : [])];
  });
}

function drainOf({ drained }: Evidence): string[] {
  return drained.code === 0
    ? []
    : [`what came after failed: ${drained.stdout.slice(-400)} ${drained.stderr.slice(0, 400)}`];
}

function jobsOf(evidence: Evidence): string[] {
  const { planted, spool, before, drained, attacked, fault } = evidence;
  const places = placesOf(spool);
  const said = attacked.flatMap(wordsOf);
  const idsOf = (word: string, words = said): ReadonlySet<string> =>
    new Set(words.filter(([first]) => first === word).map(([, id]) => id ?? ''));
  const accepted = idsOf('accept');
  const told = idsOf('duplicate');
  const rejected = idsOf('reject');
  const settled = idsOf('settled');
  const revoked = idsOf('revoked');
  const again = idsOf('again');
  const runs = [...said, ...wordsOf(drained)].filter(([word]) => word === 'run').map(([, id]) => id);
  const runsAfter = wordsOf(drained)
    .filter(([word]) => word === 'run')
    .map(([, id]) => id);
  const known = new Map(planted.map((job) => [job.id, job]));
  const isPatient = PASSING.includes(fault.effect) && attacked.every(({ code }) => code === 0);

  return [...new Set([...known.keys(), ...idsOf('send'), ...accepted, ...told])].flatMap((id) => {
    const found = places.get(id) ?? [];
    const count = runs.filter((run) => run === id).length;
    const isExpirable = known.get(id)?.isEnded === true;
    const isPromised = (known.has(id) && !isExpirable) || accepted.has(id) || told.has(id);
    const complaints: string[] = [];
    if (isPromised && found.length === 0) complaints.push(`accepted job ${id} is nowhere`);
    if (found.length > 1) complaints.push(`job ${id} is in ${found.join(' and ')}`);
    if (found.some((path) => !path.startsWith('results/')))
      complaints.push(`job ${id} never ended: ${found.join(', ')}`);
    if (rejected.has(id) && (found.length > 0 || count > 0))
      complaints.push(`job ${id} was rejected and yet queued: ${found.join(', ')}`);
    if (revoked.has(id) && (count > 0 || stateIn(spool, id) !== 'revoked'))
      complaints.push(`job ${id} was told to be revoked, ran ${count} times, and is ${stateIn(spool, id)}`);
    if (again.has(id) && stateIn(spool, id) !== 'succeeded')
      complaints.push(`job ${id} was sent back, and is ${stateIn(spool, id)}`);
    if (stateIn(spool, id) === 'revoked' && count > 0) complaints.push(`job ${id} is revoked and ran`);
    if (before.ended.has(id) && runsAfter.includes(id)) complaints.push(`job ${id} had its outcome and ran again`);
    if (settled.has(id) && isFinal(attacked) && runsAfter.includes(id))
      complaints.push(`job ${id} was settled and ran again`);
    // A run that was settled is over; one whose process ended before may begin again.
    const deaths = attacked.filter(
      (run) => hasSaid(run, 'run', id) && !(isFinal(attacked) && hasSaid(run, 'settled', id)),
    ).length;
    const allowed = (known.get(id)?.runs ?? 1) + (isFinal(attacked) && isPatient ? 0 : deaths);
    if (known.get(id)?.isOnce === true && count > 1)
      complaints.push(`job ${id} must not run twice, it ran ${count} times`);
    if (count > Math.max(allowed, known.get(id)?.runs ?? 1))
      complaints.push(`job ${id} ran ${count} times, allowed ${allowed}`);
    return complaints;
  });
}

function hasSaid(run: Traced, word: string, id: string): boolean {
  return wordsOf(run).some(([first, second]) => first === word && second === id);
}

/** True when `settle` was asked to publish: other settlements send the job round again. */
function isFinal(attacked: readonly Traced[]): boolean {
  return !attacked.some(({ args }) => args.some((arg) => arg.includes('"settlement"')));
}

/** Outcomes that were visible keep their bytes (I3). */
function outcomesOf({ spool, before }: Evidence): string[] {
  return [...before.published].flatMap(([id, hash]) => {
    const path = join(spool, 'results', `${id}.json`);
    if (!existsSync(path)) return [`the outcome of ${id} vanished`];
    const now = createHash('sha256').update(readFileSync(path, 'utf8')).digest('hex');
    return now === hash ? [] : [`the outcome of ${id} changed`];
  });
}

/** Each job ends as it should: a torn tail, say, does not make it fail. */
function statesOf({ spool, planted, fault }: Evidence): string[] {
  if (['EACCES', 'EPERM'].includes(fault.effect)) return []; // A file that may not be read is set aside, and its job fails.
  return planted.flatMap(({ id, ends }) => {
    if (!existsSync(join(spool, 'results', `${id}.json`))) return [];
    const state = stateIn(spool, id);
    return state !== undefined && ends.split(' or ').includes(state)
      ? []
      : [`job ${id} should have ${ends}, it is ${state ?? 'without an outcome'}`];
  });
}

/** What a call gave a job as its argument is not lost to an older one. */
function argumentsOf({ spool, attacked, fault }: Evidence): string[] {
  if (['EACCES', 'EPERM'].includes(fault.effect)) return []; // As above.
  return attacked.flatMap(wordsOf).flatMap(([word, id = '', row]) => {
    const path = join(spool, 'results', `${id}.json`);
    if (word !== 'called' || !existsSync(path)) return [];
    const [found] = parseDocument(readFileSync(path, 'utf8'), id).record.job.args;
    return Number(found) >= Number(row) ? [] : [`job ${id} was given row ${row} and has ${String(found)}`];
  });
}

/** The state of its outcome; undefined where there is none. */
function stateIn(spool: string, id: string): string | undefined {
  const path = join(spool, 'results', `${id}.json`);
  return existsSync(path) ? parseDocument(readFileSync(path, 'utf8'), id).record.outcome?.state : undefined;
}

function residueOf({ spool }: Evidence): string[] {
  return ['tmp', 'running', 'workers', 'pending', 'delayed', 'cancel'].flatMap((directory) => {
    const names = readdirSync(join(spool, directory));
    return names.length === 0 ? [] : [`${directory}/ holds ${names.join(', ')}`];
  });
}

/** Every key is free again, and nothing of keys is left for ever. Sends and revokes jobs: asked last. */
async function keysOf({ operation: { keys = [] }, spool, before }: Evidence): Promise<readonly string[]> {
  if (keys.length === 0) return [];
  const broken = before.doubled.map((key) => `two jobs of the key ${key} waited at a time`);
  // A process that died while it sent a job back holds the job's key for ten seconds.
  const broker = openSpool({ path: spool, fsync: false, nowMs: () => Date.now() + 11_000 });
  for (const key of keys) {
    const asked = job({ id: broker.nextId(), options: { key } });
    const { id, isDuplicate } = await broker.enqueueUnique(asked, { key, until: 'ended' });
    if (isDuplicate) broken.push(`the key ${key} is still held, by ${id}`);
    await broker.revoke([id]);
  }
  await broker.close();
  const sweep = new KeySweep({ ...contextFor(spool, false), nowMs: () => Date.now() + 10 * 3_600_000 });
  await sweep.sweep();
  await sweep.sweep(); // What is nowhere must be so twice.
  return [...broken, ...readdirSync(join(spool, 'keys')).map((name) => `keys/${name} is left`)];
}

/** A run finds the last checkpoint that a run before it was told is kept; what lies beside a job is whole, and goes. */
async function besideOf({ attacked, drained, spool }: Evidence): Promise<readonly string[]> {
  const rows = (runs: readonly Traced[], word: string): ReadonlyMap<string, number> =>
    new Map(runs.flatMap(wordsOf).flatMap(([first, id = '', row]) => (first === word ? [[id, Number(row)]] : [])));
  const found = rows([...attacked, drained], 'found');
  const lost = [...rows(attacked, 'kept')].filter(([id, row]) => (found.get(id) ?? row) < row);
  const progress = [...walkIfThere(nodeFiles, join(spool, 'progress'))];
  const torn = progress.filter((name) => parseProgress(readFileSync(join(spool, 'progress', name), 'utf8')) === null);
  const sweep = new BesideSweep(contextFor(spool, false));
  await sweep.sweep();
  await sweep.sweep(); // What is nowhere must be so twice.
  return [
    ...lost.map(([id, row]) => `job ${id} found row ${found.get(id)} and had kept row ${row}`),
    ...torn.map((name) => `progress/${name} is torn`),
    ...[...walkIfThere(nodeFiles, join(spool, 'checkpoints'))].map((name) => `checkpoints/${name} is left`),
  ];
}

function wordsOf({ stdout }: Traced): string[][] {
  return stdout.split('\n').map((line) => line.split(' '));
}

/** What the checker finds, given what was promised. */
async function invariantsOf({ spool, attacked, planted }: Evidence): Promise<readonly string[]> {
  const said = attacked.flatMap(wordsOf);
  const idsOf = (word: string): string[] => said.filter(([first]) => first === word).map(([, id]) => id ?? '');
  const findings = await checkSpool(spool, {
    atRest: true,
    journal: {
      accepted: [...planted.map(({ id }) => ({ id })), ...idsOf('accept').map((id) => ({ id }))],
      rejected: idsOf('reject'),
      gone: planted.filter(({ isEnded }) => isEnded === true).map(({ id }) => id),
    },
  });
  return findings
    .filter(({ invariant }) => invariant !== undefined)
    .map(({ invariant, code, message, location }) => `${invariant} ${code}: ${message} (${location})`);
}
