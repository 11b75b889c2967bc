/** What all workers have counted: one record for each that has counted anything, in one table. A record of a dead one is taken over by another. */
import { parseCount } from '../../broker/figures/histogram.ts';
import { type History, NO_HISTORY, parseHistory, sumOfHistories } from '../../broker/figures/history.ts';
import { type Figures, parseFigures, type Statistics, Tally } from '../../broker/statistics.ts';
import { isRecord } from '../../job/values/realm.ts';
import type { Engine } from '../engine.ts';

/** The table: by the names of owners. */
export const STATISTICS = 'statistics';

const VERSION = 1;

/** What one worker has counted, with what it has taken over. */
export interface KeptFigures extends Figures {
  /** Unix ms. */
  readonly sinceMs: number;
  readonly history: History;
}

export function figuresText({ sinceMs, tasks, crashes, restarts, history }: KeptFigures): string {
  return JSON.stringify({ v: VERSION, sinceMs, tasks, crashes, restarts, history });
}

/** Null for what cannot be read, or is of a newer fsq: it counts for nothing, and is left alone. */
export function parseKeptFigures(text: string): KeptFigures | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(parsed) || parsed['v'] !== VERSION) return null;
  const figures = parseFigures(parsed);
  const sinceMs = parseCount(parsed['sinceMs']);
  if (figures === null || sinceMs === null) return null;
  // A history that cannot be read costs no counter.
  return { ...figures, sinceMs, history: parseHistory(parsed['history']) ?? NO_HISTORY };
}

export async function readStatistics(engine: Engine): Promise<Statistics> {
  const texts = [...(await engine.store.fields(STATISTICS)).values()];
  const counted = texts.map(parseKeptFigures).filter((figures) => figures !== null);
  const tally = new Tally();
  for (const figures of counted) tally.add(figures);
  const { tasks, crashes, restarts } = tally;
  const histories = counted.map(({ history }) => history);
  const sinceMs = counted.length === 0 ? null : Math.min(...counted.map((figures) => figures.sinceMs));
  return { tasks, crashes, restarts, sinceMs, history: sumOfHistories(histories, engine.nowMs()) };
}
