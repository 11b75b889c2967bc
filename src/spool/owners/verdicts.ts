/** Which owners live, as far as can be proved, and what their records say. */
import type { OwnerInfo } from '../../broker/broker.ts';
import { reasonOf } from '../../job/values/realm.ts';
import type { SpoolContext } from '../disk/context.ts';
import { bootId } from '../disk/identity.ts';
import { fileSystemOf } from '../place/file-system.ts';
import { MISSING, probe, type Verdict } from './liveness.ts';
import { isNamedInMoving } from './owner.ts';
import { readOwner, recordedOwners } from './owner-record.ts';
import type { Pulses } from './pulses.ts';

/**
 * What can be proved of `owner`. An owner of which nothing is sure counts as alive, because taking a live owner's jobs would run
 * them twice. It is dead only if the kernel refuses its socket, or if the socket is missing and the machine has booted since. A
 * socket that answers proves life whatever the record says: containers may show a boot id of their own (systemd-nspawn does).
 */
export async function verdictOf(context: SpoolContext, owner: string, pulses?: Pulses): Promise<Verdict> {
  const verdict = await probe(context, owner, (socket) => pulses?.ask(owner, socket) === true);
  if (verdict.verdict === 'alive') return verdict;
  const isMissing = verdict.verdict === 'unknown' && verdict.reason === MISSING;
  if (verdict.verdict === 'unknown' && !(isMissing && isOfAnEarlierBoot(context, owner))) return verdict;
  return doubtOf(context, owner) ?? { verdict: 'dead' };
}

/**
 * Why a refusal proves nothing here, or null when it does. connect(2) also refuses what is no socket; and the kernel of
 * this machine knows nothing of a process of another that uses the same files.
 */
function doubtOf({ files, layout }: SpoolContext, owner: string): Verdict | null {
  try {
    const { kind } = files.entry(`${layout.workers}/${owner}.sock`) ?? { kind: 'socket' };
    if (kind !== 'socket') return { verdict: 'unknown', reason: 'what lies in place of its socket is none' };
    const system = fileSystemOf(files.fileSystem(layout.workers).type);
    if (system.kind === 'network' || system.kind === 'fuse')
      return { verdict: 'unknown', reason: `on ${system.name} other machines may use the spool too` };
    return null;
  } catch (error) {
    return { verdict: 'unknown', reason: reasonOf(error) };
  }
}

function isOfAnEarlierBoot(context: SpoolContext, owner: string): boolean {
  try {
    const recorded = readOwner(context, owner)?.bootId ?? null;
    const boot = bootId(context.files);
    return recorded !== null && boot !== null && recorded !== boot;
  } catch {
    return false; // Not known: no descriptor is left, for example.
  }
}
/** How many sockets are asked at a time: each takes two descriptors, and a few workers may have a thousand children. */
const ASKED_AT_A_TIME = 64;

/**
 * Workers, their children and consumers that have announced themselves, dead or alive.
 *
 * @param asking how soon their event loops turn, and for how long their answers are waited for; absent: nobody asks
 */
export async function listOwners(
  context: SpoolContext,
  asking?: { readonly pulses: Pulses; readonly patienceMs: number },
): Promise<readonly OwnerInfo[]> {
  const found = await askAll(recordedOwners(context), (owner) => infoOf(context, owner, asking?.pulses));
  await asking?.pulses.answers(asking.patienceMs);
  return found.flatMap((info) => {
    if (info === null || isHelper(context, info)) return [];
    const pulse = asking?.pulses.take(info.owner) ?? null;
    return [{ ...info, ...(pulse === null ? {} : { pulse }) }];
  });
}

/** True of a process that repairs the spool, or moves jobs: it is no worker, and what a dead one moved waits for no worker. */
function isHelper(context: SpoolContext, { owner, role, queues, verdict }: OwnerInfo): boolean {
  if (role !== 'supervisor' || queues?.length !== 0) return false;
  return verdict === 'alive' || isNamedInMoving(context, owner);
}

/** Asks about each of these owners, a few at a time. */
export async function askAll<T>(owners: readonly string[], ask: (owner: string) => Promise<T>): Promise<readonly T[]> {
  const answers: T[] = [];
  for (let i = 0; i < owners.length; i += ASKED_AT_A_TIME)
    answers.push(...(await Promise.all(owners.slice(i, i + ASKED_AT_A_TIME).map(ask))));
  return answers;
}

async function infoOf(context: SpoolContext, owner: string, pulses?: Pulses): Promise<OwnerInfo | null> {
  const record = readOwner(context, owner);
  if (record === null) return null;
  const { verdict } = await verdictOf(context, owner, pulses);
  const { bootId: _, mark: __, ...info } = record;
  return { ...info, verdict };
}
