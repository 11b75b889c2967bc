/** Jobs that are revoked so that their processes are to be killed, and that nobody kills: why not, and who can. */
import { isAddress } from '../../broker/broker-address.ts';
import type { Broker, OwnerInfo, Sighting } from '../../broker/broker.ts';
import { span } from '../../job/text.ts';
import { BLOCKED_MS, isBlocked } from './blocked.ts';
import { isChildOf, orphansAmong, processText } from './standstill.ts';

/** So many are looked at: beyond that the first tell enough. */
const MOST_LOOKED_AT = 100;

/**
 * Why nobody kills the process that runs this job, in whole sentences; null where somebody does, as far as can be told. A child is
 * killed by its worker, and kills itself when that is gone, for which its event loop must turn.
 *
 * @param place of the job: a path or an address
 */
export function unkilledText(
  owners: readonly OwnerInfo[],
  { id, owner }: Pick<Sighting, 'id' | 'owner'>,
  place: string,
): string | null {
  const holder = owners.find((one) => one.owner === owner);
  if (holder?.verdict !== 'alive') return null;
  const byHand = byHandText(holder, id, place);
  const which = `process ${processText(holder)}`;
  if (holder.role === 'consumer')
    return `No process is there to kill it: it runs in ${which}, which has no worker. ${byHand}`;
  if (orphansAmong(owners).includes(holder)) {
    if (!isBlocked(holder)) return null;
    return `No process is there to kill it: it runs in ${which}, whose worker is gone, and which has not answered for ${silence(holder)}. ${byHand} If the process answers again, it kills itself.`;
  }
  const worker = owners.find((one) => isChildOf(holder, one));
  if (worker === undefined || !isBlocked(worker)) return null;
  return `Its worker (pid ${processText(worker)}), which would kill it, has not answered for ${silence(worker)}: it does so when it answers again. ${byHand}`;
}

function byHandText({ pid, host }: OwnerInfo, id: string, place: string): string {
  // Where no worker runs, revoking it again takes it back from the dead process, if that can be proved dead.
  const ender = isAddress(place) ? 'a worker' : `a worker, or \`fsq revoke ${id}\`,`;
  const where = host === undefined ? '' : ` on ${host}`;
  return `\`kill -9 ${pid}\`${where} ends it by hand; then ${ender} ends the job as revoked.`;
}

function silence({ pulse }: OwnerInfo): string {
  return `${span(Math.floor((pulse?.delayMs ?? 0) / 1_000) * 1_000)} or longer`;
}

/** Those of `ids` that nobody kills, each with its reason. Never throws: what cannot be looked at is not told. */
export async function unkilledAmong(
  broker: Pick<Broker, 'place' | 'owners' | 'find'>,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  if (ids.length === 0) return found;
  try {
    const owners = await broker.owners(BLOCKED_MS);
    const isUnkilled = ({ owner }: OwnerInfo): boolean => unkilledText(owners, { id: '', owner }, '') !== null;
    if (!owners.some(isUnkilled)) return found;
    for (const id of ids.slice(0, MOST_LOOKED_AT)) {
      const job = await broker.find(id);
      const text = job?.state === 'running' ? unkilledText(owners, job, broker.place) : null;
      if (text !== null) found.set(id, text);
    }
  } catch {
    // The jobs are revoked all the same.
  }
  return found;
}
