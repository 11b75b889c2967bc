/**
 * Cutting the power under load, again and again, and looking at what the disk then holds.
 *
 * A round starts a worker and a producer (test/fault/power-cut), lets some jobs be accepted, cuts the power, kills both, mounts
 * the disk and looks. Every few rounds a fresh worker ends all that is left: then each accepted job must have its one
 * outcome, and the outcomes become spare files, for the next rounds to write into.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { contextFor } from '../../src/spool/doctor/examine.ts';
import { Forgetter } from '../../src/spool/results/forget.ts';
import { openSpool } from '../../src/spool/spool.ts';
import { bootAnew } from './boots.ts';
import { until } from './conditions.ts';
import { assertInvariants, assertSound, namesIn } from './invariants.ts';
import { type DiskKind, type LoopDisk, loopDisk } from './loop-disk.ts';
import { type Program, startProgram } from './marked-program.ts';
import { REPOSITORY } from './project.ts';

/** Rounds between two times that everything is brought to its end, and between two new spools. */
const ROUNDS_TO_DRAIN = 4;
const ROUNDS_TO_NEW_SPOOL = 8;
/** Jobs to be accepted before a cut, at most: enough for the producer to write into spare files (after 64). */
const MOST_ACCEPTED = 250;
/** Outcomes to be seen before a cut, at most; every fourth cut does not wait for any. */
const MOST_SEEN = 80;
/** The cut comes at most this long after the last of them, ms: a few fsyncs. */
const LATEST_CUT_MS = 20;
/** How long anything may take on a busy machine, ms. */
const PATIENCE_MS = 60_000;
const MOST_SENDERS = 6;
/** How many of the cuts have another one right behind them. */
const CUT_AGAIN = 0.3;
const PROGRAMS = join(REPOSITORY, 'test/fault/power-cut');

export interface Figures {
  rounds: number;
  accepted: number;
  /** Outcomes that a reader had seen. */
  seen: number;
  /** Runs of accepted jobs beyond the first of each. */
  reruns: number;
  /** What broke a promise; each names its round. */
  readonly problems: string[];
}

export interface PowerCutOptions {
  /** Default: ext4. */
  readonly kind?: DiskKind;
  readonly rounds: number;
  /** Of the moments at which the power is cut. */
  readonly seed: number;
  /** The round that begins after this time is the last, ms. Default: no limit. */
  readonly limitMs?: number;
  /** Told after each round. */
  readonly onRound?: (figures: Figures) => void;
}

export async function cutPowerAgainAndAgain(options: PowerCutOptions): Promise<Figures> {
  const { kind = 'ext4', rounds, seed, limitMs = Infinity, onRound = () => undefined } = options;
  const figures: Figures = { rounds: 0, accepted: 0, seen: 0, reruns: 0, problems: [] };
  const disk = await loopDisk(kind);
  const notes = mkdtempSync(join(tmpdir(), 'fsq-power-notes-'));
  const random = randomFrom(seed);
  const endAt = performance.now() + limitMs;
  let scene: Scene | null = null;
  let isLast = false;
  try {
    for (let round = 1; !isLast; round++) {
      isLast = round === rounds || performance.now() > endAt;
      scene ??= newScene(disk, kind, join(notes, String(round)));
      const problems = await playRound(scene, random, round % ROUNDS_TO_DRAIN === 0 || isLast);
      figures.rounds = round;
      figures.problems.push(...problems.map((problem) => `round ${round}: ${problem}`));
      if (problems.length > 0 || round % ROUNDS_TO_NEW_SPOOL === 0 || isLast) {
        add(figures, scene);
        scene = null;
      }
      onRound(figures);
    }
    return figures;
  } finally {
    if (scene !== null) for (const program of scene.running) await program.kill();
    await disk.remove();
    rmSync(notes, { recursive: true, force: true });
  }
}

/** One spool on the disk, and where it is noted what was heard of it. */
interface Scene {
  readonly disk: LoopDisk;
  readonly kind: DiskKind;
  readonly spool: string;
  readonly notes: string;
  readonly running: Set<Program>;
  /** How often each job had begun when its outcome was first known to be seen. */
  readonly runsOfSeen: Map<string, number>;
  /** Accepted jobs that were found to have their outcome, which has expired since. */
  readonly gone: Set<string>;
}

/** The spool is made by the programs, its parent too: the first cut may come when that has just been done. */
function newScene(disk: LoopDisk, kind: DiskKind, notes: string): Scene {
  const parent = join(disk.path, 'jobs');
  rmSync(parent, { recursive: true, force: true });
  mkdirSync(notes);
  return {
    disk,
    kind,
    spool: join(parent, 'spool'),
    notes,
    running: new Set(),
    runsOfSeen: new Map(),
    gone: new Set(),
  };
}

/** @returns what went wrong */
async function playRound(scene: Scene, random: () => number, isToDrain: boolean): Promise<string[]> {
  const { disk } = scene;
  const wantedAccepted = notesIn(scene, 'accepted').size + 1 + Math.floor(random() ** 2 * MOST_ACCEPTED);
  const wantedSeen = notesIn(scene, 'seen').size + (random() < 0.25 ? 0 : 1 + Math.floor(random() * MOST_SEEN));
  // Many senders share fsyncs, and one's makes another's rename durable too; a single one shows each that is missing.
  const senders = random() < 0.5 ? 1 : MOST_SENDERS;
  const programs = [start(scene, ['load.mjs', String(senders)]), startWorker(scene)];
  try {
    await until(
      () =>
        (notesIn(scene, 'accepted').size >= wantedAccepted && notesIn(scene, 'seen').size >= wantedSeen) ||
        firstError(scene),
      `${wantedAccepted} jobs are accepted and ${wantedSeen} outcomes seen`,
      PATIENCE_MS,
    );
    await wait(random() * LATEST_CUT_MS);
    const error = firstError(scene);
    if (error !== null) throw new Error(error);
  } catch (error) {
    return [`under load: ${messageOf(error)}\n${programs.map((program) => program.output()).join('\n')}`];
  } finally {
    await disk.cutPower();
    for (const program of programs) await program.kill();
    scene.running.clear();
    await disk.restart();
    bootAnew(scene.spool);
    rmSync(join(scene.notes, 'errors'), { force: true }); // What the cut itself made them say.
  }
  try {
    if (random() < CUT_AGAIN) await cutInReplay(scene, random);
    await replay(scene.spool);
    // There a file may have two names until a worker takes it.
    if (scene.kind !== 'btrfs') assertSound(scene.spool, left(scene).keys());
    assertNothingCorrupt(scene);
    assertNoneRanAfterSeen(scene);
    if (isToDrain) await drain(scene);
    return [];
  } catch (error) {
    return [messageOf(error)];
  }
}

/** The power goes again while what was lost is restored, or right after that. */
async function cutInReplay({ disk, spool }: Scene, random: () => number): Promise<void> {
  const replaying = replay(spool).catch(() => undefined);
  await wait(random() * LATEST_CUT_MS);
  await disk.cutPower();
  await replaying;
  await disk.restart();
  bootAnew(spool);
}

async function replay(spool: string): Promise<void> {
  if (!existsSync(join(spool, 'fsq.json'))) return;
  const broker = openSpool({ path: spool });
  await broker.counts();
  await broker.close();
}

function start(scene: Scene, args: readonly string[]): Program {
  const env = { FSQ_SPOOL: scene.spool, FSQ_LOG_FORMAT: 'json', NOTES: scene.notes };
  const program = startProgram(args, PROGRAMS, env);
  scene.running.add(program);
  return program;
}

function startWorker(scene: Scene): Program {
  return start(scene, [join(REPOSITORY, 'bin/fsq.js'), 'worker', '-c', '2', '--tasks', 'tasks.mjs']);
}

/** Has a fresh worker end all that is left, and checks that each accepted job has the outcome that it must have. */
async function drain(scene: Scene): Promise<void> {
  const { spool } = scene;
  const worker = startWorker(scene);
  try {
    await until(() => worker.output().includes('worker started'), 'the worker has started', PATIENCE_MS);
    await until(() => isDrained(spool), 'every job has ended', PATIENCE_MS);
    const code = await worker.stop();
    if (code !== 0) throw new Error(`the worker ended with ${code}`);
  } catch (error) {
    throw new Error(`after a fresh worker: ${messageOf(error)}\n${worker.output()}`, { cause: error });
  } finally {
    await worker.kill();
  }
  await assertInvariants(spool, { journal: { accepted: [...left(scene).keys()].map((id) => ({ id })) } });
  assertNothingCorrupt(scene);
  await checkOutcomes(scene);
  await expireAll(scene);
}

function isDrained(spool: string): boolean {
  const isHeld = namesIn(spool, 'running').some((directory) => namesIn(spool, `running/${directory}`).length > 0);
  return !isHeld && namesIn(spool, 'pending').length === 0 && namesIn(spool, 'delayed').length === 0;
}

function assertNothingCorrupt({ spool }: Scene): void {
  const names = namesIn(spool, 'corrupt');
  if (names.length > 0) throw new Error(`${names.length} files were taken for broken jobs: ${names.join(', ')}`);
}

/** An outcome that somebody has seen survives: its job does not begin again. */
function assertNoneRanAfterSeen(scene: Scene): void {
  const runs = new Map<string, number>();
  for (const line of linesIn(scene, 'runs')) {
    const [id = ''] = line.split(' ');
    runs.set(id, (runs.get(id) ?? 0) + 1);
  }
  for (const id of notesIn(scene, 'seen').keys()) {
    const before = scene.runsOfSeen.get(id) ?? runs.get(id) ?? 0;
    if ((runs.get(id) ?? 0) > before) throw new Error(`job ${id} ran again although its outcome had been seen`);
    scene.runsOfSeen.set(id, before);
  }
}

async function checkOutcomes(scene: Scene): Promise<void> {
  const seen = notesIn(scene, 'seen');
  const broker = openSpool({ path: scene.spool, mustExist: true });
  try {
    for (const [id, sum] of left(scene)) {
      const outcome = (await broker.outcome(id))?.outcome;
      if (outcome?.state !== 'succeeded' || String(outcome.value) !== sum) {
        throw new Error(`job ${id} must have the value ${sum} but has ${JSON.stringify(outcome)}`);
      }
      const heard = seen.get(id) ?? sum;
      if (heard !== sum) throw new Error(`job ${id} has the value ${sum} but a reader saw ${heard}`);
    }
  } finally {
    await broker.close();
  }
}

/** What a worker does with outcomes after their time: here at once. */
async function expireAll(scene: Scene): Promise<void> {
  for (const id of left(scene).keys()) scene.gone.add(id);
  await new Forgetter({ ...contextFor(scene.spool), nowMs: () => Date.now() + 1_000 }, 0).forget();
}

/** Accepted jobs whose outcomes have not expired, with the value each must have. */
function left(scene: Scene): ReadonlyMap<string, string> {
  return new Map([...notesIn(scene, 'accepted')].filter(([id]) => !scene.gone.has(id)));
}

/** The notes of one kind, `<id> <what>` each; the last of an id counts. */
function notesIn(scene: Scene, kind: 'accepted' | 'seen'): ReadonlyMap<string, string> {
  return new Map(
    linesIn(scene, kind).map((line) => {
      const [id = '', what = ''] = line.split(' ');
      return [id, what];
    }),
  );
}

function firstError(scene: Scene): string | null {
  return linesIn(scene, 'errors')[0] ?? null;
}

function linesIn({ notes }: Scene, kind: 'accepted' | 'seen' | 'runs' | 'errors'): readonly string[] {
  const path = join(notes, kind);
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
}

function add(figures: Figures, scene: Scene): void {
  const runs = linesIn(scene, 'runs').map((line) => line.split(' ')[0]);
  figures.accepted += notesIn(scene, 'accepted').size;
  figures.seen += notesIn(scene, 'seen').size;
  figures.reruns += runs.length - new Set(runs).size;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Numbers from 0 to 1 that follow from `seed` alone: mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
