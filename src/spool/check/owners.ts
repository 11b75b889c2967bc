/** What is known of each owner that has left a trace in the spool: its record, its socket, and whether it lives. */
import type { OwnerInfo } from '../../broker/broker.ts';
import type { SpoolContext } from '../context.ts';
import { isOwnerName, parseHeldName } from '../layout.ts';
import { readOwner, verdictOf } from '../owner.ts';
import type { Verdict } from '../proof.ts';

export interface OwnerState {
  readonly owner: string;
  /** Its file in workers/ is there and whole. */
  readonly hasRecord: boolean;
  /** Null without a record. */
  readonly role: OwnerInfo['role'] | null;
  readonly verdict: Verdict;
}

/** @param isWorkersGone nobody can be asked: every owner's life is unknown */
export async function ownersIn(
  context: SpoolContext,
  names: readonly { readonly place: string; readonly name: string }[],
  isWorkersGone: boolean,
): Promise<readonly OwnerState[]> {
  const owners = new Set(names.flatMap(({ place, name }) => ownerNames(place, name)));
  return Promise.all([...owners].map((owner) => stateOf(context, owner, isWorkersGone)));
}

function ownerNames(place: string, name: string): readonly string[] {
  if (place === 'workers') return [name.replace(/\.(?:json|sock)$/, '')].filter(isOwnerName);
  const held = place === 'running' ? parseHeldName(name) : null;
  return held === null ? [] : [held.recoverer ?? held.owner];
}

async function stateOf(context: SpoolContext, owner: string, isWorkersGone: boolean): Promise<OwnerState> {
  if (isWorkersGone) {
    return { owner, hasRecord: false, role: null, verdict: { verdict: 'unknown', reason: 'workers/ cannot be read' } };
  }
  const record = readOwner(context, owner);
  return { owner, hasRecord: record !== null, role: record?.role ?? null, verdict: await verdictOf(context, owner) };
}
