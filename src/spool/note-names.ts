/** The names of what is noted beside the jobs: revoked ones, paused queues, starts that a rate allowed. Pure. */
import { isId, isQueueName } from '../job/names.ts';
import type { Rate } from '../job/queue-limits.ts';
import type { Layout } from './layout.ts';

/** What lies in cancel/ for a job that is revoked: the name says all, its content is for people. */
export interface MarkerName {
  readonly id: string;
  /** Its process is to be killed, rather than asked. */
  readonly terminate: boolean;
}

const TERMINATE = '.terminate';

export function markerFileName({ id, terminate }: MarkerName): string {
  return terminate ? id + TERMINATE : id;
}

export function parseMarkerFileName(fileName: string): MarkerName | null {
  const terminate = fileName.endsWith(TERMINATE);
  const id = terminate ? fileName.slice(0, -TERMINATE.length) : fileName;
  return isId(id) ? { id, terminate } : null;
}

const PAUSED = '.paused';

/** What lies in queues/ for a queue that is paused: the name says all, its content is for people. */
export function pausedFileName(queue: string): string {
  return queue + PAUSED;
}

export function parsePausedFileName(fileName: string): string | null {
  const queue = fileName.slice(0, -PAUSED.length);
  return fileName.endsWith(PAUSED) && isQueueName(queue) ? queue : null;
}

/** Whose starts are counted. */
export interface LimitOwner {
  readonly kind: 'queue' | 'task';
  readonly name: string;
}

/**
 * `limits/<queue|task>.<name>.<count>-<period ms>`; a task's `/` and `:` are written as + and =, which no name has. Each rate has its
 * own, because what a file there says depends on it.
 */
export function rateDirectory(layout: Layout, { kind, name }: LimitOwner, { count, periodMs }: Rate): string {
  return `${layout.limits}/${kind}.${name.replaceAll('/', '+').replaceAll(':', '=')}.${count}-${periodMs}`;
}

/** One start that a rate allows in a span of time. */
export interface SlotName {
  readonly index: number;
  readonly slot: number;
}

export function slotFileName({ index, slot }: SlotName): string {
  return `${index}.${slot}`;
}

export function parseSlotFileName(fileName: string): SlotName | null {
  const match = /^(\d{1,15})\.(\d{1,5})$/.exec(fileName);
  return match === null ? null : { index: Number(match[1]), slot: Number(match[2]) };
}
