/**
 * Cutting the power under load, again and again, and looking at what the disk then holds.
 *
 * A round starts a worker, a producer and a reader (test/fault/power-cut), lets some jobs be accepted, cuts the power, kills all,
 * mounts the disk and looks. Every few rounds a fresh worker ends all that is left: then each accepted job must have its one
 * outcome, and the outcomes become spare files, for the next rounds to write into.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { contextFor } from '../../src/spool/doctor/examine.ts';
import { Forgetter } from '../../src/spool/results/forget.ts';
import { openSpool } from '../../src/spool/spool.ts';
import { bootAnew } from './boots.ts';
import { until } from './conditions.ts';
import { assertInvariants, namesIn } from './invariants.ts';
import { type DiskKind, loopDisk } from './loop-disk.ts';
import { type Program, startProgram } from './marked-program.ts';
import { assertAllEnded, assertNothingLost } from './power-cut-checks.ts';
import {
  countIn,
  firstError,
  forgetErrors,
  left,
  newScene,
  noteExpired,
  notesIn,
  type Scene,
} from './power-cut-scene.ts';
import { REPOSITORY } from './project.ts';

/** Rounds between two times that everything is brought to its end, and between two new spools. */
const ROUNDS_TO_DRAIN = 4;
const ROUNDS_TO_NEW_SPOOL = 8;
/** Jobs to be accepted before a cut, at most: enough for the producer to write into spare files (after 64). */
const MOST_ACCEPTED = 250;
/** Outcomes to be seen before a cut, at most; every fourth cut after the first does not wait for any. */
const MOST_SEEN = 80;
/** The cut comes at most this long after the last of them, ms: a few fsyncs. */
const LATEST_CUT_MS = 20;
/** How long anything may take on a busy machine, ms. */
const PATIENCE_MS = 60_000;
const MOST_SENDERS = 6;
/** How long the outcomes of every other spool are kept, ms: they expire while jobs are sent and the power goes. */
const SHORT_TTL_MS = 2_000;
/** How many of the cuts have another one right behind them. */
const CUT_AGAIN = 0.3;
const PROGRAMS = join(REPOSITORY, 'test/fault/power-cut');

export interface Figures {
  rounds: number;
  accepted: number;
  /** Of each kind of jobs. */
  readonly kinds: Record<string, number>;
  /** Outcomes that a caller was told. */
  seen: number;
  /** Outcomes that a reader of the directory has had. */
  read: number;
  /** Those of them that a cut made invisible until a worker ran. */
  hidden: number;
  /** Outcomes that expired while programs ran. */
  expired: number;
  /** Runs of accepted jobs beyond those that each needs. */
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
  const figures: Figures = {
    rounds: 0,
    accepted: 0,
    kinds: {},
    seen: 0,
    read: 0,
    hidden: 0,
    expired: 0,
    reruns: 0,
    problems: [],
  };
  const disk = await loopDisk(kind);
  const notes = mkdtempSync(join(tmpdir(), 'fsq-power-notes-'));
  const random = randomFrom(seed);
  const endAt = performance.now() + limitMs;
  let scene: Scene | null = null;
  let isLast = false;
  try {
    for (let round = 1; !isLast; round++) {
      isLast = round === rounds || performance.now() > endAt;
      scene ??= newScene(disk, kind, join(notes, String(round)), random() < 0.5 ? SHORT_TTL_MS : null);
      const problems = await playRound(scene, random, round % ROUNDS_TO_DRAIN === 0 || isLast, figures);
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

/** @returns what went wrong */
async function playRound(scene: Scene, random: () => number, isToDrain: boolean, figures: Figures): Promise<string[]> {
  const { disk } = scene;
  const wantedAccepted = countIn(scene, 'accepted') + 1 + Math.floor(random() ** 2 * MOST_ACCEPTED);
  // The first waits for one: of a few cuts none might.
  const waits = random() >= 0.25 || figures.rounds === 0;
  const wantedSeen = countIn(scene, 'seen') + (waits ? 1 + Math.floor(random() * MOST_SEEN) : 0);
  // Many senders share fsyncs, and one's makes another's rename durable too; a single one shows each that is missing.
  const senders = random() < 0.5 ? 1 : MOST_SENDERS;
  const programs = [start(scene, ['load.mjs', String(senders)]), startWorker(scene), start(scene, ['read.mjs'])];
  try {
    await until(
      () => firstError(scene) ?? (countIn(scene, 'accepted') >= wantedAccepted && countIn(scene, 'seen') >= wantedSeen),
      `${wantedAccepted} jobs are accepted and ${wantedSeen} outcomes seen`,
      PATIENCE_MS,
    );
    await wait(random() * LATEST_CUT_MS);
    const error = firstError(scene);
    if (error !== null) throw new Error(error);
  } catch (error) {
    return [`under load: ${messageOf(error)}\n${programs.map((program) => program.output()).join('\n')}`];
  } finally {
    await disk.cutPower(random() < 0.5 ? 'nothing' : 'names');
    for (const program of programs) await program.kill();
    scene.running.clear();
    await disk.restart();
    bootAnew(scene.spool);
    forgetErrors(scene);
  }
  try {
    if (random() < CUT_AGAIN) await cutInReplay(scene, random);
    await replay(scene.spool);
    figures.expired += noteExpired(scene);
    figures.hidden += assertNothingLost(scene);
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

function start(scene: Scene, args: readonly string[], more: Readonly<Record<string, string>> = {}): Program {
  const env = { FSQ_SPOOL: scene.spool, FSQ_LOG_FORMAT: 'json', NOTES: scene.notes, ...more };
  const program = startProgram(args, PROGRAMS, env);
  scene.running.add(program);
  return program;
}

function startWorker(scene: Scene, ttlMs: number | null = scene.ttlMs): Program {
  const env = ttlMs === null ? {} : { FSQ_RESULT_TTL: `${ttlMs}ms` };
  return start(scene, [join(REPOSITORY, 'bin/fsq.js'), 'worker', '-c', '2', '--tasks', 'tasks.mjs'], env);
}

/** Has a fresh worker end all that is left, and checks that each accepted job has the outcome that it must have. */
async function drain(scene: Scene): Promise<void> {
  const { spool } = scene;
  const worker = startWorker(scene, null);
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
  await assertAllEnded(scene);
  await expireAll(scene);
}

function isDrained(spool: string): boolean {
  const isHeld = namesIn(spool, 'running').some((directory) => namesIn(spool, `running/${directory}`).length > 0);
  return !isHeld && namesIn(spool, 'pending').length === 0 && namesIn(spool, 'delayed').length === 0;
}

/** What a worker does with outcomes after their time: here at once. */
async function expireAll(scene: Scene): Promise<void> {
  // Also those whose call had no answer when the power went.
  for (const id of [...left(scene).keys(), ...notesIn(scene, 'read').map((note) => note.id)]) scene.gone.add(id);
  await new Forgetter({ ...contextFor(scene.spool), nowMs: () => Date.now() + 1_000 }, 0).forget();
}

function add(figures: Figures, scene: Scene): void {
  const kinds = new Map(notesIn(scene, 'accepted').map(({ id, what }) => [id, what.split(' ')[0] ?? '']));
  for (const kind of kinds.values()) figures.kinds[kind] = (figures.kinds[kind] ?? 0) + 1;
  const runs = new Map<string, number>();
  for (const { id } of notesIn(scene, 'runs')) runs.set(id, (runs.get(id) ?? 0) + 1);
  for (const [id, count] of runs) figures.reruns += Math.max(0, count - (kinds.get(id) === 'retried' ? 2 : 1));
  figures.accepted += kinds.size;
  figures.seen += countIn(scene, 'seen');
  figures.read += countIn(scene, 'read');
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
