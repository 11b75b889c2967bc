/** Where whoever moves jobs is struck, and by what: each command and each call, as a run without a fault makes them. */
import { type Call, callsIn, type Fault as CallFault } from '../../support/strace.ts';
import { CALLS } from '../ops/campaign.ts';
import { atCommand, type CommandFault, inScene, type Scene, underTrace, type Way } from './scene.ts';

export interface Point {
  readonly way: Way;
  /** At a command that goes to Redis, or at a call of the system in the spool. Null: at none. */
  readonly fault: CommandFault | CallFault | null;
  /** The command, or call, that came there in a run without a fault. */
  readonly what: string;
  /** Workers take jobs at both ends meanwhile. */
  readonly isBusy: boolean;
}

export function pointText({ way, fault, what, isBusy }: Point): string {
  return `${way}${isBusy ? ', with workers' : ''}: ${faultText(fault)} (${what})`;
}

function faultText(fault: Point['fault']): string {
  if (fault === null) return 'no fault';
  if ('effect' in fault)
    return `${fault.effect} at ${fault.name} ${fault.nth}${fault.isForGood ? ' and ever after' : ''}`;
  const { at, nth, isDeadly } = fault;
  if (typeof at === 'object') return `${at.answered} to command ${nth}`;
  return `${isDeadly ? 'SIGKILL' : 'cut off'} ${at} ${nth}`;
}

/** What does not change anything: whoever dies there has died after what came before. Scripts are told apart by nobody. */
const READS = /^(?:h?get|hgetall|mget|lrange|llen|exists) /;
/** Calls that change what is on the disk. */
const CHANGES = /^\d+ +(?:openat\(.*O_CREAT|(?:pwrite64|ftruncate|fsync|fdatasync|rename|unlink|mkdir|rmdir|bind)\()/;

/** Death before and after each command that changes something. */
export async function deathsAtCommands(way: Way): Promise<readonly CommandPoint[]> {
  const all = await cutsAtCommands(way);
  return all
    .filter(({ what }) => !READS.test(what))
    .map((point) => ({ ...point, fault: { ...point.fault, isDeadly: true } }));
}

export type CommandPoint = Point & { readonly fault: CommandFault };

/** A connection that is cut before and after each command. */
export async function cutsAtCommands(way: Way): Promise<readonly CommandPoint[]> {
  return (await commandsOf(way)).flatMap((what, i) =>
    (['before the command', 'before the reply'] as const).map((at) => ({
      way,
      what,
      isBusy: false,
      fault: { nth: i + 1, at, isDeadly: false },
    })),
  );
}

/** Each of these errors as the answer to each command. */
export async function refusalsOf(way: Way, errors: readonly string[]): Promise<readonly Point[]> {
  return (await commandsOf(way)).flatMap((what, i) =>
    errors.map((answered) => ({ way, what, isBusy: false, fault: { nth: i + 1, at: { answered }, isDeadly: false } })),
  );
}

/** Death before each call that changes something in the spool. */
export async function deathsAtCalls(way: Way): Promise<readonly Point[]> {
  return pointsAt(
    way,
    (await callsOf(way)).filter(({ line }) => CHANGES.test(line)),
    ['SIGKILL'],
  );
}

/** Each of these errors at each call in the spool. */
export async function errorsAtCalls(way: Way, errors: readonly string[]): Promise<readonly Point[]> {
  return pointsAt(way, await callsOf(way), errors);
}

function pointsAt(way: Way, calls: readonly Call[], effects: readonly string[]): readonly Point[] {
  const unique = new Map(calls.map((call) => [`${call.name} ${call.nth}`, call]));
  return [...unique.values()].flatMap(({ name, nth, line }) =>
    effects.map((effect) => ({
      way,
      what: line.replace(/^\d+ +/, '').slice(0, 120),
      isBusy: false,
      fault: { name, nth, effect, isForGood: false },
    })),
  );
}

const commands = new Map<Way, Promise<readonly string[]>>();
const calls = new Map<Way, Promise<readonly Call[]>>();

/** As a run without a fault sends them. */
function commandsOf(way: Way): Promise<readonly string[]> {
  return once(commands, way, (scene) => lookAtCommands(scene));
}

/** As a run without a fault makes them, in the folder of the spool. */
function callsOf(way: Way): Promise<readonly Call[]> {
  return once(calls, way, (scene) => lookAtCalls(scene));
}

function once<T>(known: Map<Way, Promise<T>>, way: Way, look: (scene: Scene) => Promise<T>): Promise<T> {
  const found = known.get(way) ?? inScene(way, look);
  known.set(way, found);
  return found;
}

async function lookAtCommands(scene: Scene): Promise<readonly string[]> {
  const { said, seen } = await atCommand(scene, null, async () => undefined);
  if (!said.includes('done')) throw new Error(`It fails without any fault: ${said.join('; ')}`);
  return seen;
}

async function lookAtCalls(scene: Scene): Promise<readonly Call[]> {
  const run = await underTrace(scene, CALLS);
  if (!run.stdout.includes('done\n')) throw new Error(`It fails without any fault: ${run.stdout}${run.stderr}`);
  return callsIn(scene.logFile).filter(({ line }) => line.includes(scene.folder));
}
