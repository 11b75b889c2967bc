/**
 * Failures of one kind: those of a task with an error of one name and a message that is the same but for what differs from job to job, such
 * as numbers and ids. Pure.
 */
import type { Sighting } from '../../../broker/broker.ts';
import { beginning } from '../../../job/text.ts';
import { rootOf } from '../job/job-error.ts';

export interface FailureKind {
  /** Stable, and short enough for an address. */
  readonly key: string;
  readonly task: string;
  readonly error: string;
  /** With … in place of what differs. */
  readonly message: string;
  /** What lay below the error, with … as well; the first that were seen. */
  readonly roots: string[];
}

/** Of a kind so many are kept. */
const MOST_ROOTS = 3;

/** Of a message this much tells its kind, characters. */
const MOST_OF_MESSAGE = 400;
/** So many kinds are told apart; what comes later is of one kind with all of its task and error. */
const MOST_KINDS = 5_000;

export class FailureKinds {
  readonly #kinds = new Map<string, FailureKind>();

  /** Null of a job that did not fail, or that cannot be read. */
  of({ record }: Pick<Sighting, 'record'>): FailureKind | null {
    if (record === null || record.outcome?.state !== 'failed') return null;
    const { error } = record.outcome;
    const kind = this.#kind(record.job.task, error.name, shapeOf(error.message));
    const root = kind.roots.length < MOST_ROOTS ? rootOf(error) : null;
    const shape = root === null ? null : shapeOf(root);
    if (shape !== null && !kind.roots.includes(shape)) kind.roots.push(shape);
    return kind;
  }

  #kind(task: string, error: string, message: string): FailureKind {
    const text = `${task}\n${error}\n${message}`;
    const known = this.#kinds.get(text);
    if (known !== undefined) return known;
    if (this.#kinds.size >= MOST_KINDS && message !== '…') return this.#kind(task, error, '…');
    const kind: FailureKind = { key: keyOf(text), task, error, message, roots: [] };
    this.#kinds.set(text, kind);
    return kind;
  }
}

function keyOf(text: string): string {
  const { createHash } = process.getBuiltinModule('node:crypto');
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}

/** In this order: what is found first is not looked at again. */
const DIFFERING: readonly RegExp[] = [
  // A uuid, then what is quoted and has a digit, then an address in memory or of a network card.
  /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi,
  /"[^"\n]*\d[^"\n]*"|'[^'\n]*\d[^'\n]*'|`[^`\n]*\d[^`\n]*`/g,
  /\b0x[0-9a-f]+\b/gi,
  /\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b/gi,
  // A hash: hexadecimal digits, one of which is a digit.
  /\b(?=[0-9a-f]*\d)[0-9a-f]{7,}\b/gi,
  // Any other number, with its sign, its fraction and what stands between its groups.
  /[-+]?\d+(?:[.,:_]\d+)*/g,
];

/** The message with … for each thing that differs from job to job, and no more of it than tells its kind. What it gives stays as it is. */
export function shapeOf(message: string): string {
  const text = beginning(message.trim(), MOST_OF_MESSAGE);
  return DIFFERING.reduce((shape, differing) => shape.replace(differing, '…'), text)
    .replace(/…(?:[\s,;:._/-]*…)+/g, '…')
    .replace(/\s+/g, ' ')
    .trim();
}
