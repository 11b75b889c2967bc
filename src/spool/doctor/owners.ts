/** What is known of each owner that has left a trace in the spool: its record, its socket, and whether it lives. */
import type { OwnerInfo } from '../../broker/broker.ts';
import type { SpoolContext } from '../context.ts';
import { isOwnerName } from '../layout.ts';
import { askAll, readOwner, verdictOf } from '../owner.ts';
import type { Verdict } from '../proof.ts';
import type { NamedOutline } from './outline.ts';
import { namesAt } from './walk.ts';

export interface OwnerState {
  readonly owner: string;
  /** Its file in workers/ is there and whole. */
  readonly hasRecord: boolean;
  /** Null without a record. */
  readonly role: OwnerInfo['role'] | null;
  readonly verdict: Verdict;
}

/** Where workers/ cannot be read nobody can be asked: every owner's life is unknown then. */
export async function ownersIn(
  context: SpoolContext,
  { held, unlisted }: Pick<NamedOutline, 'held' | 'unlisted'>,
): Promise<readonly OwnerState[]> {
  const { files, layout } = context;
  const isWorkersGone = unlisted.some(({ place }) => place === 'workers');
  const owners = new Set([
    ...[...namesAt(files, layout.workers)].map((name) => name.replace(/\.(?:json|sock)$/, '')).filter(isOwnerName),
    ...held.map(({ responsible }) => responsible),
  ]);
  return askAll([...owners], (owner) => stateOf(context, owner, isWorkersGone));
}

async function stateOf(context: SpoolContext, owner: string, isWorkersGone: boolean): Promise<OwnerState> {
  if (isWorkersGone) {
    return { owner, hasRecord: false, role: null, verdict: { verdict: 'unknown', reason: 'workers/ cannot be read' } };
  }
  const record = readOwner(context, owner);
  return { owner, hasRecord: record !== null, role: record?.role ?? null, verdict: await verdictOf(context, owner) };
}
