/** One way to move jobs, one fault, one try: the process that moves them runs into the fault, another goes on, and what came of it is judged. */
import { isDeepStrictEqual } from 'node:util';
import { until, within } from '../../support/conditions.ts';
import { toldOf } from '../../support/movable-jobs.ts';
import { HELD } from '../commands/command-proxy.ts';
import { besideJobs, doubledOrLost, endLease, leftAt } from './places.ts';
import type { Point } from './points.ts';
import { atCall, atCommand, goOn, inScene, LIMIT_MS, type Scene, withMover } from './scene.ts';
import { drainBoth, Meanwhile, violationsOfRuns } from './workers.ts';

export interface Verdict {
  readonly point: Point;
  readonly isHit: boolean;
  /** What the process under fire said of its end. */
  readonly said: readonly string[];
  readonly violations: readonly string[];
}

/** What a try that could not be made is told as: the campaign goes on with the others. */
export function untried(point: Point, error: unknown): Verdict {
  return { point, isHit: false, said: [], violations: [`it could not be tried: ${String(error)}`] };
}

export async function tryPoint(point: Point): Promise<Verdict> {
  return inScene(point.way, async (scene) => {
    const { fault, isBusy } = point;
    const workers = isBusy ? await Meanwhile.begin(scene.from, scene.to) : null;
    const { said, isHit } =
      fault !== null && 'effect' in fault
        ? await atCall(scene, fault)
        : await atCommand(scene, fault, async () => void (await workers?.mayTake()));
    // Node ends a process in which a file that was only read cannot be closed.
    const isAborted = said.some((line) => line.includes('node::Assert'));
    const isDeadly = fault === null || ('effect' in fault ? fault.effect === 'SIGKILL' : fault.isDeadly);
    const isKilled = isHit && (isDeadly || isAborted);
    const violations = [...violationsOfEnd(point, said, isKilled), ...(await judge(scene, workers))];
    return { point, isHit, said, violations };
  });
}

/** An error has a code, and says what to do. */
function violationsOfEnd({ fault }: Point, said: readonly string[], isKilled: boolean): readonly string[] {
  if (isKilled) return said.filter((line) => line.startsWith('failed'));
  // What this user may not open, or look at, says so of its job alone: that one stays, with those that hang together with it, and the others move.
  const mayStay =
    fault !== null && 'effect' in fault && fault.effect === 'EACCES' && ['openat', 'statx'].includes(fault.name);
  if (said.includes('done')) return mayStay ? [] : said.filter((line) => line.startsWith('left'));
  const failed = said.filter((line) => line.startsWith('failed') || line.startsWith('untyped'));
  if (failed.length === 0) return [`it does not end: ${said.join('; ')}`];
  return failed.filter((line) => !/^failed FSQ_[A-Z_]+ .{20}/.test(line));
}

/**
 * The process under fire stands still before it sends a command. Meanwhile another one takes the move over and ends it; the jobs run, and their
 * outcomes are forgotten. Then the first one goes on: it may change nothing.
 */
export async function tryStandingStill(point: Point): Promise<Verdict> {
  const { way, fault, what } = point;
  if (fault === null || 'effect' in fault) throw new Error(`Expected a command, got ${what}`);
  return inScene(way, async (scene) =>
    withMover(scene, async ({ child, exit, said, go }) => {
      const { places, proxy, from, to, planted } = scene;
      let isHeld = false;
      const act = (): void => void (isHeld = child.kill('SIGSTOP'));
      proxy.count({ nth: fault.nth, at: HELD, isForGood: false, act });
      go();
      await until(() => isHeld || said().includes('done'), 'the process stands still');
      proxy.count(null);
      const broken = [...(await judge(scene, null))];
      for (const place of [from, to]) await place.forget(planted.ids);
      const told = async (): Promise<string> =>
        JSON.stringify([await toldOf(from, planted.ids), await toldOf(to, planted.ids)]);
      const before = await told();
      child.kill('SIGCONT');
      proxy.letThrough();
      await within(exit, 'the end of the process that stood still', LIMIT_MS);
      const after = await told();
      if (after !== before) broken.push(`it changed ${before} to ${after}`);
      const ends = said().filter((line) => /^(?:done|failed|untyped)/.test(line));
      // FSQ_MOVING, unless it was about to hear of the server: it has stood still for longer than an answer may take.
      if (!ends.every((line) => line === 'done' || /^failed FSQ_[A-Z_]+ .{20}/.test(line)))
        broken.push(ends.join('; '));
      // What it has left, the next move removes. One whose last words went to a connection that is cut keeps others out for some seconds.
      for (const place of places) await endLease(place);
      await goOn(places, false);
      for (const place of places) broken.push(...(await leftAt(place, planted.ids)));
      return { point, isHit: isHeld, said: said(), violations: broken };
    }),
  );
}

/** Every broken promise, one sentence each. */
async function judge(scene: Scene, workers: Meanwhile | null): Promise<readonly string[]> {
  const { places, from, to, planted, before } = scene;
  const { ids, ended } = planted;
  const broken = workers === null ? [...(await doubledOrLost(from, to, ids))] : [];
  for (const place of places) await endLease(place);
  try {
    const { running, held, refused } = await goOn(places, workers !== null);
    for (const id of [...running, ...held, ...refused.keys()]) broken.push(`${id} stays`);
  } catch (error) {
    await workers?.close();
    return [...broken, `nobody can go on with it: ${String(error)}`];
  }
  if (workers === null) {
    const after = await toldOf(to, ids);
    for (const [i, id] of ids.entries())
      if (!isDeepStrictEqual(after[i], before[i]))
        broken.push(`${id} was ${JSON.stringify(before[i])}, and is ${JSON.stringify(after[i])}`);
    const here = await toldOf(from, ids);
    broken.push(...ids.filter((_, i) => here[i] !== null).map((id) => `${id} is at the source still`));
    if ((await to.outcome(ended[0] ?? '')) === null) broken.push('an outcome that a job needs is not there');
    broken.push(...(await besideJobs(from, to, planted)));
  }
  for (const place of places) broken.push(...(await leftAt(place, ids)));
  const runs = await drainBoth(from, to, planted, workers);
  return [...broken, ...violationsOfRuns(runs, planted)];
}
