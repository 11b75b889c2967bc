/** What the names in keys/ say. Pure. */
import { isId } from '../../job/names.ts';
import { timeDigits } from '../layout.ts';

/** What lies in a key's directory for a job: it stands for the key, to some time at least if it has one. */
export interface HolderName {
  readonly id: string;
  /** Unix ms. */
  readonly untilMs: number | null;
}

const KEY_DIRECTORY = /^[0-9a-f]{64}$/;
const HOLDER = /^([0-9a-f-]{36})(?:\.(\d{13}))?$/;

/** `hash` is the SHA-256 of the task's name, a NUL and the key, in hexadecimal. */
export function isKeyDirectory(hash: string): boolean {
  return KEY_DIRECTORY.test(hash);
}

export function holderFileName({ id, untilMs }: HolderName): string {
  return untilMs === null ? id : `${id}.${timeDigits(untilMs)}`;
}

export function parseHolderName(fileName: string): HolderName | null {
  const [, id = '', until] = HOLDER.exec(fileName) ?? [];
  return isId(id) ? { id, untilMs: until === undefined ? null : Number(until) } : null;
}
