/**
 * One process's figures, in statistics/<owner>.json: replaced whole by a rename, so that a reader sees the old ones or the new ones, and
 * never synced. Once their process has ended, another takes them over into its own:
 *
 *   statistics/<owner>.json ──one rename decides who──► <owner>~<taker>.json ──► they are in <taker>.json, which names <owner> ──► removed
 *
 * A taken file whose owner is named in another file is not counted, so wherever that stops, every figure counts once.
 */
import { type Figures, parseFigures } from '../../broker/statistics.ts';
import { type History, NO_HISTORY, parseHistory } from '../../broker/figures/history.ts';
import { parseCount } from '../../broker/figures/histogram.ts';
import { isRecord } from '../../job/values/realm.ts';
import type { SpoolContext } from '../disk/context.ts';
import { readDoubted } from '../job-file/read.ts';
import { isOwnerName, parseOwnerDirectory } from '../layout.ts';

/** What one process has counted, with what it has taken over. */
export interface KeptFigures extends Figures {
  /** Unix ms. */
  readonly sinceMs: number;
  /** The owners whose figures are in these, as long as files of theirs may be there. */
  readonly taken: readonly string[];
  readonly history: History;
}

export type FiguresReading =
  | { readonly kind: 'figures'; readonly figures: KeptFigures }
  | { readonly kind: 'corrupt'; readonly reason: string }
  /** A newer fsq has written it: it is not counted, and left to that. */
  | { readonly kind: 'newer'; readonly reason: string }
  | { readonly kind: 'gone' };

/** Some 400 KB is the most that fsq writes: 200 tasks, and a whole day. */
const MAX_FILE_BYTES = 1024 * 1024;
const VERSION = 1;

/** `<owner>.json`, or `<owner>~<taker>.json` once they are taken. */
export function figuresFileName(owner: string, taker: string | null = null): string {
  return `${owner}${taker === null ? '' : `~${taker}`}.json`;
}

/** Null unless `fileName` is such a name. */
export function parseFiguresFileName(
  fileName: string,
): { readonly owner: string; readonly taker: string | null } | null {
  if (!fileName.endsWith('.json')) return null;
  const names = parseOwnerDirectory(fileName.slice(0, -'.json'.length));
  return names === null ? null : { owner: names.owner, taker: names.recoverer };
}

/** @throws the system error unchanged when the disk refuses */
export function readFigures(context: SpoolContext, fileName: string): FiguresReading {
  const path = `${context.layout.statistics}/${fileName}`;
  return readDoubted<FiguresReading>(context, path, '', MAX_FILE_BYTES, (bytes) => interpret(bytes.toString('utf8')));
}

/** Why what lies under this name counts for nothing; null where it counts, or is named like no figures. */
export function doubtInFigures(context: SpoolContext, fileName: string): string | null {
  if (parseFiguresFileName(fileName) === null) return null;
  const reading = readFigures(context, fileName);
  return 'reason' in reading ? reading.reason : null;
}

export function figuresText({ sinceMs, taken, tasks, crashes, restarts, history }: KeptFigures): string {
  return `${JSON.stringify({ v: VERSION, sinceMs, taken, tasks, crashes, restarts, history })}\n`;
}

function interpret(text: string): FiguresReading {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return { kind: 'corrupt', reason: 'it is not JSON' };
  }
  if (!isRecord(parsed)) return { kind: 'corrupt', reason: 'it is no JSON object' };
  const version = parseCount(parsed['v']);
  if (version !== null && version > VERSION)
    return { kind: 'newer', reason: `it has version ${version}, and this fsq knows ${VERSION}` };
  const figures = version === VERSION ? parseKept(parsed) : null;
  return figures === null ? { kind: 'corrupt', reason: 'it holds no statistics' } : { kind: 'figures', figures };
}

function parseKept(parsed: Record<string, unknown>): KeptFigures | null {
  const figures = parseFigures(parsed);
  const sinceMs = parseCount(parsed['sinceMs']);
  const { taken } = parsed;
  if (figures === null || sinceMs === null || !Array.isArray(taken)) return null;
  const owners = taken.filter((owner) => typeof owner === 'string' && isOwnerName(owner));
  // A history that cannot be read costs no counter.
  return { ...figures, sinceMs, taken: owners, history: parseHistory(parsed['history']) ?? NO_HISTORY };
}
