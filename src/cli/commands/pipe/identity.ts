/**
 * Which job is that of a line. The spool decides: the line's key, which no other job of the run has, stands for one job, whoever sends it,
 * and longer than `fsq map` lives. `fsq map` acts: it sends each line with its key, and tells the outcome of the job that has it.
 *
 * A run ends with its last line. What comes later begins another, so a key holds what tells the runs apart.
 */
import { createHash } from 'node:crypto';
import { mapRunName } from '../../../broker/schedules.ts';
import { FsqError, UsageError } from '../../../job/errors.ts';
import { format } from '../../../job/text.ts';
import type { JsonValue } from '../../../job/values/json.ts';
import { isRecord } from '../../../job/values/realm.ts';
import { checkedArguments } from '../../../job/values/payload.ts';
import { argumentsInLine } from '../call/call-options.ts';
import type { BadLine, Line } from './json-lines.ts';
import type { MapCall } from './mapping.ts';

/** A run of `fsq map`: what makes two starts the same. */
export interface MapRun {
  readonly task: string;
  /** As `--run` names it; '' without. */
  readonly name: string;
  /** Up to when runs of this name are over, Unix ms; null: none is. */
  readonly doneMs: number | null;
}

/** The name under which the spool keeps up to when such runs are over. */
export function nameOfRun({ task, name }: Pick<MapRun, 'task' | 'name'>): string {
  return mapRunName(hash(`${task}\0${name}`));
}

/** The calls in lines, as the spool is to know them. @param path that of `--key`; null without */
export async function* callsIn(
  lines: AsyncIterable<readonly (Line | BadLine)[]>,
  run: MapRun,
  path: readonly string[] | null,
): AsyncGenerator<readonly (MapCall | BadLine)[]> {
  for await (const some of lines) yield some.map((line) => ('problem' in line ? line : callIn(line, run, path)));
}

/** A line is known by its number and its text, or by its key alone: then the input may grow and be sorted between two starts. */
function callIn({ number, text }: Line, run: MapRun, path: readonly string[] | null): MapCall | BadLine {
  try {
    const args = argumentsInLine(text, number);
    checkedArguments(run.task, args);
    if (path === null) return { number, args, identity: identityOf(run, [number, text]) };
    const key = keyIn(args, path, number);
    return { number, args, key, identity: identityOf(run, [key]) };
  } catch (error) {
    if (!(error instanceof FsqError)) throw error;
    const message = error.message.includes(`line ${number}`) ? error.message : `Line ${number}: ${error.message}`;
    return { number, problem: new UsageError(message, error.code, { cause: error }) };
  }
}

/** In words that `fsq show` of the job tells. */
function identityOf({ name, doneMs }: MapRun, parts: readonly JsonValue[]): string {
  const [first] = parts;
  const where = parts.length > 1 ? `line ${String(first)} ` : '';
  return `fsq map${name === '' ? '' : ` ${name}`} ${where}${hash(JSON.stringify([doneMs, ...parts]))}`;
}

/** `--key a.b` as a path. @throws UsageError */
export function keyPath(text: string | undefined): readonly string[] | null {
  if (text === undefined) return null;
  const path = text.split('.');
  if (path.every((part) => part !== '')) return path;
  throw new UsageError(
    `Expected --key to be a field such as id, user.id or 0 (the first argument), got ${format(text)}`,
  );
}

/** A number first is that of an argument; else it is looked up in the first one. */
function keyIn(args: readonly JsonValue[], path: readonly string[], number: number): JsonValue {
  const [first = ''] = path;
  let value: JsonValue | undefined = /^\d+$/.test(first) ? [...args] : args[0];
  for (const part of path) value = partOf(value, part);
  if (value !== undefined && value !== null) return value;
  throw new UsageError(
    `Expected line ${number} to have the key ${format(path.join('.'))}, got ${value === null ? 'null' : 'none'}`,
  );
}

function partOf(value: JsonValue | undefined, name: string): JsonValue | undefined {
  if (Array.isArray(value)) return /^\d+$/.test(name) ? (value[Number(name)] as JsonValue | undefined) : undefined;
  return isRecord(value) && Object.hasOwn(value, name) ? (value[name] as JsonValue) : undefined;
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 40);
}
