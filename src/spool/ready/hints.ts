/**
 * The words between the keeper of a worker and the consumers in its children: with them jobs begin sooner, and children hear of
 * revoked jobs and paused queues. The worker carries them as they are. A lost hint costs time only.
 */
import { isRecord } from '../../job/values/realm.ts';

/** A task that another living worker knows, and its own does not. */
export interface TaskElsewhere {
  readonly task: string;
  /** The queues that the other takes jobs from; null for all. */
  readonly queues: readonly string[] | null;
}

/** News for every consumer of the worker: all of its kind, each time. */
export type Instruction =
  /** The jobs that are revoked and run somewhere. */
  | { readonly type: 'revoked'; readonly ids: readonly string[] }
  /** The queues that are paused. */
  | { readonly type: 'paused'; readonly queues: readonly string[] }
  /** The tasks that are left to other workers. */
  | { readonly type: 'elsewhere'; readonly tasks: readonly TaskElsewhere[] };

/** A word of the keeper to a consumer. */
export type Told =
  | Instruction
  /** Names of ready jobs to try. */
  | { readonly type: 'names'; readonly names: readonly string[] }
  /**
   * Whether this consumer is the lookout: the one idle consumer that watches pending/ itself, so that a lone job reaches it
   * without a detour. A consumer that is given names is no lookout any more.
   */
  | { readonly type: 'lookout'; readonly isPosted: boolean };

/** News for a consumer: a word of the keeper, or, in the end, that the keeper has gone. */
export type Hint = Told | { readonly type: 'alone' };

/** A word of a consumer to the keeper. */
export interface Want {
  readonly type: 'want';
  /** False while names are left: the consumer asks early, so that the answer is there when they are used up. */
  readonly isIdle: boolean;
}

/** Null for anything that is no such hint. */
export function parseTold(word: unknown): Told | null {
  if (!isRecord(word)) return null;
  const { type, names, isPosted, ids, queues, tasks } = word;
  if (type === 'names' && isTexts(names)) return { type, names };
  if (type === 'revoked' && isTexts(ids)) return { type, ids };
  if (type === 'paused' && isTexts(queues)) return { type, queues };
  if (type === 'elsewhere' && Array.isArray(tasks)) return { type, tasks: tasks.filter(isTaskElsewhere) };
  if (type === 'lookout' && typeof isPosted === 'boolean') return { type, isPosted };
  return null;
}

/** Null for anything that is no such hint. */
export function parseWant(word: unknown): Want | null {
  if (!isRecord(word)) return null;
  const { type, isIdle } = word;
  return type === 'want' && typeof isIdle === 'boolean' ? { type, isIdle } : null;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string');
}

function isTaskElsewhere(value: unknown): value is TaskElsewhere {
  return isRecord(value) && typeof value['task'] === 'string' && (value['queues'] === null || isTexts(value['queues']));
}
