/** The edges between jobs, as a job's file keeps them: after which others it runs, and what it takes from them. */
import { isId } from './names.ts';
import { MAX_DEPTH } from './values/json.ts';

/**
 * What a job is given of those in `after`, before its own arguments. 'value': the value of the one. 'values': an array of the values of
 * all, in the order of `after`. 'error': how the first of them that did not succeed has ended; where all have succeeded, it does not run.
 */
export type Takes = 'value' | 'values' | 'error';

/** Where each value stands in an array of arrays: a number is its place in `after`. */
export type Shape = readonly (number | Shape)[];

export interface Edges {
  /** The id of the job, or of each of the jobs, after which it is to run: when all have ended, and as its `takes` says. */
  readonly after?: string | readonly string[];
  /** Absent: nothing, its arguments are complete. */
  readonly takes?: Takes;
  /** Of 'values': they come as these arrays, and not as one. */
  readonly shape?: Shape;
  /** The ids of jobs that run after this one. While one of them has not ended, this one's outcome and its value are kept. */
  readonly next?: readonly string[];
}

/** The ids of the jobs after which one with these options is to run. */
export function idsAfter({ after = [] }: Edges): readonly string[] {
  return typeof after === 'string' ? [after] : after;
}

/** True where a job is given something of those that it runs after, at each run anew. */
export function isTaking({ takes }: Edges): boolean {
  return takes !== undefined;
}

/** An id, or a list of ids; undefined for anything else. */
export function readAfter(value: unknown): string | readonly string[] | undefined {
  return isIdText(value) ? value : readIds(value);
}

/** The list, if all of it are ids. */
export function readIds(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) && value.every(isIdText) ? value : undefined;
}

export function readTakes(value: unknown): Takes | undefined {
  return value === 'value' || value === 'values' || value === 'error' ? value : undefined;
}

/** The same array of arrays; undefined for anything else. */
export function readShape(value: unknown): Shape | undefined {
  return isShape(value) ? value : undefined;
}

function isShape(value: unknown, levels = MAX_DEPTH): value is Shape {
  return (
    Array.isArray(value) && levels > 0 && value.every((part) => Number.isInteger(part) || isShape(part, levels - 1))
  );
}

/** The values of the jobs in `after` as the job gets them. */
export function shaped<T>(values: readonly T[], { shape }: Edges, missing: T): readonly Shaped<T>[] {
  const place = (part: number | Shape): Shaped<T> =>
    typeof part === 'number' ? (values[part] ?? missing) : part.map(place);
  return shape === undefined ? values : shape.map(place);
}

type Shaped<T> = T | readonly Shaped<T>[];

/**
 * What is wrong with the edges in the `options` of a job's file; null when nothing is. Unlike any other option, one of these that makes
 * no sense cannot be left out: the job would run too early, or with arguments that it was not to have.
 */
export function faultInEdges(options: unknown): string | null {
  if (typeof options !== 'object' || options === null) return null;
  const { after, takes, shape } = options as { readonly [K in keyof Edges]?: unknown };
  if (after === undefined && takes === undefined) return null;
  const known = after === undefined ? [] : readAfter(after);
  if (known === undefined) return 'its `after` is neither an id nor a list of ids';
  if (takes !== undefined && readTakes(takes) === undefined)
    return "its `takes` is none of 'value', 'values' and 'error'";
  const count = idsAfter({ after: known }).length;
  if (shape !== undefined && (takes !== 'values' || !isShape(shape) || !isWithin(shape, count)))
    return 'its `shape` is no array of arrays with places in `after`';
  return takes === 'value' && count !== 1 ? `it takes the value of one job, and its \`after\` has ${count}` : null;
}

function isWithin(shape: Shape, count: number): boolean {
  return shape.every((part) => (typeof part === 'number' ? part >= 0 && part < count : isWithin(part, count)));
}

function isIdText(value: unknown): value is string {
  return typeof value === 'string' && isId(value);
}
