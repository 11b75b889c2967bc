/**
 * Recovery: finding the processes that died, and taking back what they held. A worker does it in rounds, and hears of the end of its own
 * children.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { BrokerEvent, Death, EndedRun } from '../../broker/worker-side.ts';
import type { SpoolContext } from '../disk/context.ts';
import { isStopped, killRemains, letGoOn } from './kill-remains.ts';
import { fencedDirectory, parseOwnerDirectory } from '../layout.ts';
import type { Verdict } from '../owners/liveness.ts';
import { readOwner } from '../owners/owner-record.ts';
import { verdictOf } from '../owners/verdicts.ts';
import { Rounds } from '../disk/rounds.ts';
import { type Dead, type Recoverer, takeBack } from './take-back.ts';
import { isPassing } from '../disk/trouble.ts';

/** How long a worker has to hear of the death of its own children and to take what they held, ms: it takes a tenth of that. */
const PARENT_FIRST_MS = 100;

/**
 * Looks at every directory in running/ and recovers those whose owner is proved dead; reports those it cannot judge.
 *
 * @returns whether there are owners whose life had to be asked for
 */
export async function recoverOrphans(context: SpoolContext, recoverer: Recoverer): Promise<boolean> {
  let hasAsked = false;
  let hasWaited = false;
  const directories = context.files.list(context.layout.running);
  for (const directory of directories) {
    const held = parseOwnerDirectory(directory);
    if (held === null) continue;
    const responsible = held.recoverer ?? held.owner;
    const isItsOwn = held.recoverer === null;
    // Fenced by us before, and something stopped us half-way; or that of a child whose end we know.
    const isOurs = isItsOwn ? recoverer.ended?.has(held.owner) === true : held.recoverer === recoverer.owner;
    if (isOurs) await recoverOrphan(context, recoverer, directory, held.owner);
    if (isOurs || responsible === recoverer.owner || recoverer.isKnownAlive(responsible)) continue;
    if (hasWaited && !context.files.exists(`${context.layout.running}/${directory}`)) continue;
    hasAsked = true;
    const verdict = await verdictOf(context, responsible);
    const parent = (): ReturnType<typeof verdictOfParent> =>
      verdictOfParent(context, recoverer, held.owner, directories);
    // No other process will see to it.
    if (verdict.verdict === 'alive' && isItsOwn && isStopped(context, held.owner) && (await parent()) === 'dead') {
      letGoOn(context, held.owner);
      recoverer.onEvent?.({ kind: 'stood-still', owner: held.owner });
    }
    if (verdict.verdict === 'dead') {
      // Its parent knows how it ended, such as at a time limit or by order. A recoverer that is faster can only count a crash.
      if (!hasWaited && isItsOwn && (await parent()) === 'alive') {
        await wait(PARENT_FIRST_MS);
        hasWaited = true;
      }
      // First: a job must not run again beside what its last run had started.
      const processes = killRemains(context, held.owner);
      if (processes > 0) recoverer.onEvent?.({ kind: 'remains', owner: held.owner, processes });
      await recoverOrphan(context, recoverer, directory, held.owner);
    }
    // One that has ended meanwhile has left nothing, and no socket to ask.
    if (verdict.verdict === 'unknown' && context.files.exists(`${context.layout.running}/${directory}`))
      recoverer.onEvent?.({ kind: 'unproved', owner: responsible, reason: verdict.reason });
  }
  return hasAsked;
}

/**
 * A directory that cannot be fenced or looked into stays where it is, and those behind it are recovered. How its owner ended follows
 * from what the recoverer knows of it; else it is a crash.
 */
async function recoverOrphan(
  context: SpoolContext,
  recoverer: Recoverer,
  directory: string,
  owner: string,
): Promise<void> {
  const dead = recoverer.ended?.get(owner) ?? { owner, ending: 'crashed', run: null };
  await context.odd.tryLong(`${context.layout.running}/${directory}`, async () => {
    await takeBack(context, recoverer, directory, dead);
  });
}

/** Whether the worker of the child `owner` lives; null of others, and where it is the recoverer or surely lives without asking. */
export async function verdictOfParent(
  context: SpoolContext,
  recoverer: Pick<Recoverer, 'isKnownAlive'>,
  owner: string,
  directories: readonly string[],
): Promise<Verdict['verdict'] | null> {
  const parent = readOwner(context, owner)?.parent ?? null;
  if (parent === null || recoverer.isKnownAlive(parent)) return null;
  // Without a directory it has ended, or another has recovered it.
  return directories.includes(parent) ? (await verdictOf(context, parent)).verdict : 'dead';
}

/** How often one owner is tried to be recovered at once where the disk refuses, and how long after one another, ms. */
const TRIES = 20;
const TRY_EVERY_MS = 100;

/**
 * Recovers one owner that is known to be dead, such as a child that has exited. A disk that refuses is waited for a while: the process
 * that starts the next child must hear whether this one held a job.
 *
 * @returns whether it held any job
 */
export async function recoverOwner(context: SpoolContext, recoverer: Recoverer, dead: Dead): Promise<boolean> {
  const { owner } = dead;
  for (let tries = 1; ; tries++) {
    try {
      const hasHeld = await takeBack(context, recoverer, owner, dead);
      // Fenced by a try before this one, which the disk has stopped.
      return tries > 1 ? await takeBack(context, recoverer, fencedDirectory(owner, recoverer.owner), dead) : hasHeld;
    } catch (error) {
      if (tries === TRIES || !isPassing(error) || recoverer.giveUp?.aborted === true) throw error;
      await wait(TRY_EVERY_MS);
    }
  }
}

/**
 * How often the owners are asked whether they live, ms: half of what P5 allows between a death and its recovery. Where all owners are
 * the worker's own children, it looks less often whether there are others.
 */
const EVERY_MS = { others: 400, alone: 800 };

/** A worker's recoveries, one after the other. */
export class RecoveryRounds {
  readonly #context: SpoolContext;
  readonly #recoverer: Recoverer;
  readonly #rounds: Rounds;
  /** Owners whose life cannot be proved: each is told once. */
  readonly #unproved = new Set<string>();
  /** How the children ended of which something may be left in running/: a refused rename, say, is tried again in the next rounds. */
  readonly #ended = new Map<string, Dead>();

  constructor(context: SpoolContext, recoverer: Recoverer, onTrouble: (error: unknown) => void) {
    this.#context = context;
    this.#recoverer = { ...recoverer, ended: this.#ended, onEvent: (event) => this.#relay(event, recoverer.onEvent) };
    this.#rounds = new Rounds(onTrouble);
  }

  /** The end of the recoveries that are under way; null when there are none. */
  get underWay(): Promise<void> | null {
    return this.#rounds.underWay;
  }

  start(): void {
    let hasOthers = true;
    this.#rounds.repeat(
      () => (hasOthers ? EVERY_MS.others : EVERY_MS.alone),
      async () => {
        hasOthers = true; // Also when the look fails.
        hasOthers = await recoverOrphans(this.#context, this.#recoverer);
        this.#forgetRecovered();
      },
    );
  }

  /**
   * Recovers a child that has ended. Until `before` is called it has to count as alive: a look for dead processes that is under way would
   * take what it held, and does not know how it ended.
   *
   * @returns whether it held any job; true when nobody can tell
   */
  async recover(
    owner: string,
    ending: Death,
    run: EndedRun | undefined,
    { before, after }: { readonly before: () => void; readonly after: () => void },
  ): Promise<boolean> {
    let hasHeld = true;
    const diedAtMs = this.#context.nowMs();
    await this.#rounds.add(async () => {
      before();
      const dead = { owner, ending, run: run ?? null, diedAtMs };
      this.#ended.set(owner, dead);
      hasHeld = await recoverOwner(this.#context, this.#recoverer, dead);
      after();
    });
    return hasHeld;
  }

  close(): Promise<void> {
    return this.#rounds.close();
  }

  #forgetRecovered(): void {
    if (this.#ended.size === 0) return;
    const left = new Set(
      this.#context.files.list(this.#context.layout.running).map((name) => parseOwnerDirectory(name)?.owner),
    );
    for (const owner of this.#ended.keys()) if (!left.has(owner)) this.#ended.delete(owner);
  }

  #relay(event: BrokerEvent, tell: Recoverer['onEvent']): void {
    if (event.kind === 'unproved') {
      if (this.#unproved.has(event.owner)) return;
      this.#unproved.add(event.owner);
    }
    tell?.(event);
  }
}
