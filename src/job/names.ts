/** The names that come from outside (ids, queues, tasks) and the one rule each must pass before it gets near a path. */
import { UsageError } from './errors.ts';
import { format } from './format.ts';

export const DEFAULT_QUEUE = 'default';
export const DEFAULT_PRIORITY = 5;

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const QUEUE = /^[a-z0-9][a-z0-9_-]{0,63}$/;
/** Device names that Windows gives no file (Microsoft, "Naming Files, Paths, and Namespaces"). */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])$/;
const TASK = /^[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,127}$/;

/** True for a lower-case UUID of any version. */
export function isId(text: string): boolean {
  return ID.test(text);
}

export function isQueueName(text: string): boolean {
  return QUEUE.test(text) && !DEVICE.test(text);
}

/** A task's name never becomes part of a path; the rule keeps it printable and typeable. */
export function isTaskName(text: string): boolean {
  return TASK.test(text);
}

export function isPriority(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 9;
}

/** @throws UsageError */
export function checkQueue(value: unknown): string {
  if (typeof value === 'string' && isQueueName(value)) return value;
  throw new UsageError(
    `Expected \`queue\` to be 1 to 64 of a-z, 0-9, _ and -, starting with a letter or digit and not a device name such as con, got ${format(value)}`,
  );
}

/** @throws UsageError */
export function checkPriority(value: unknown): number {
  if (isPriority(value)) return value;
  throw new UsageError(`Expected \`priority\` to be a whole number from 0 (first) to 9 (last), got ${format(value)}`);
}

/** @throws UsageError */
export function checkTaskName(value: unknown): string {
  if (typeof value === 'string' && isTaskName(value)) return value;
  throw new UsageError(
    `Expected a task name of 1 to 128 letters, digits and _ . : / -, starting with a letter, digit or _, got ${format(value)}`,
  );
}

/** @throws UsageError */
export function checkId(value: unknown): string {
  if (typeof value === 'string' && isId(value)) return value;
  throw new UsageError(`Expected a job id such as 0199f3c2-8d1e-7b3a-9c4d-5e6f708192a3, got ${format(value)}`);
}
