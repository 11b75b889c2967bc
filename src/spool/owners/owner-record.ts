/** What a process says of itself in workers/<owner>.json: for those who list, or look after, the processes of a spool. */
import type { OwnerInfo } from '../../broker/broker.ts';
import { readRestarts } from '../../broker/common/restarts.ts';
import { readSendingOfTasks } from '../../broker/task-sending.ts';
import { hasRules, readRules, writtenRules } from '../../job/queue-limits.ts';
import { isRecord } from '../../job/values/realm.ts';
import type { SpoolContext } from '../disk/context.ts';
import { writeNew } from '../disk/draft.ts';
import { readIfThere } from '../disk/if-there.ts';
import { isOwnerName } from '../layout.ts';
import { isPassing } from '../disk/trouble.ts';

/** What is told of it besides is worked out by whoever looks: its verdict and its pulse. */
export interface OwnerRecord extends Omit<OwnerInfo, 'host' | 'verdict' | 'pulse' | 'memoryBytes'> {
  /** Null where the kernel has no id of its boot. */
  readonly bootId: string | null;
  /** What every process that it starts has in its environment, as CHILD_MARK; null when there is no such mark. */
  readonly mark: string | null;
}

export function writeRecord(context: SpoolContext, record: OwnerRecord): Promise<void> {
  const { limits, sending, ...rest } = record;
  const written = {
    ...rest,
    ...(limits === undefined || !hasRules(limits) ? {} : { limits: writtenRules(limits) }),
    ...(sending === undefined || sending.size === 0 ? {} : { sending: [...sending] }),
  };
  const bytes = Buffer.from(`${JSON.stringify({ v: 1, ...written })}\n`);
  return writeNew(context, bytes, recordPath(context, record.owner), { isDurable: false });
}

export function recordPath({ layout }: SpoolContext, owner: string): string {
  return `${layout.workers}/${owner}.json`;
}
/** Null when there is no whole record of that name, or none that can be read: then the socket alone decides. */
export function readOwner(context: SpoolContext, owner: string): OwnerRecord | null {
  try {
    const text = readIfThere(context.files, recordPath(context, owner), MAX_RECORD_BYTES);
    return text === null ? null : parseOwner(text, owner);
  } catch (error) {
    if (isPassing(error)) throw error;
    return null;
  }
}

const MAX_RECORD_BYTES = 1024 * 1024;
/** The names of all owners that have a record, dead or alive. */
export function recordedOwners({ files, layout }: SpoolContext): readonly string[] {
  return files.list(layout.workers).flatMap((file) => {
    const owner = file.slice(0, -'.json'.length);
    return file.endsWith('.json') && isOwnerName(owner) ? [owner] : [];
  });
}

function parseOwner(text: string, owner: string): OwnerRecord | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return null; // Not whole: then the socket alone decides.
  }
  if (!isRecord(parsed) || parsed['owner'] !== owner) return null;
  const { pid, parent, role, startedAtMs, bootId: boot, queues, tasks, sending, slots, limits, mark, version } = parsed;
  const restarts = readRestarts(parsed['restarts']);
  const isText = (value: unknown): value is string => typeof value === 'string';
  return {
    owner,
    pid: Number(pid),
    parent: isText(parent) && isOwnerName(parent) ? parent : null,
    role: role === 'supervisor' || role === 'consumer' ? role : 'child',
    startedAtMs: Number(startedAtMs),
    bootId: isText(boot) ? boot : null,
    queues: Array.isArray(queues) ? queues.filter(isText) : null,
    tasks: Array.isArray(tasks) ? tasks.filter(isText) : [],
    ...(sending === undefined ? {} : { sending: readSendingOfTasks(sending) }),
    slots: typeof slots === 'number' && Number.isInteger(slots) && slots > 0 ? slots : 1,
    ...(limits === undefined ? {} : { limits: readRules(limits) }),
    mark: isText(mark) ? mark : null,
    ...(restarts === null ? {} : { restarts }),
    ...(isText(version) ? { version } : {}),
  };
}
