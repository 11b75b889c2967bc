/** What all processes of a spool have counted together. */
import { sumOfHistories } from '../../broker/history.ts';
import { type Statistics, Tally } from '../../broker/statistics.ts';
import type { SpoolContext } from '../disk/context.ts';
import { listIfReadable } from '../disk/if-there.ts';
import { type KeptFigures, parseFiguresFileName, readFigures } from './statistics-file.ts';

/** A worker that takes figures over while they are read has them counted twice, or not at all: then all are read once more. */
const LOOKS = 5;

/** A file that cannot be read counts for nothing: `fsq doctor` tells of it. */
export function readStatistics(context: SpoolContext): Statistics {
  const counted = figuresInUse(context);
  const tally = new Tally();
  for (const figures of counted) tally.add(figures);
  const { tasks, crashes, restarts } = tally;
  const history = sumOfHistories(
    counted.map((figures) => figures.history),
    context.nowMs(),
  );
  const sinceMs = counted.length === 0 ? null : Math.min(...counted.map((figures) => figures.sinceMs));
  return { tasks, crashes, restarts, sinceMs, history };
}

/** Of each owner the figures that count. */
function figuresInUse(context: SpoolContext): readonly KeptFigures[] {
  for (let look = 1; ; look++) {
    const names = namesIn(context);
    const found = names.flatMap(({ fileName, owner }) => {
      const reading = readFigures(context, fileName);
      return reading.kind === 'figures' ? [{ owner, figures: reading.figures }] : [];
    });
    if (textOf(namesIn(context)) !== textOf(names) && look < LOOKS) continue;
    const taken = new Set(found.flatMap(({ figures }) => figures.taken));
    return found.filter(({ owner }) => !taken.has(owner)).map(({ figures }) => figures);
  }
}

interface FiguresName {
  readonly fileName: string;
  readonly owner: string;
  readonly taker: string | null;
}

/** Sorted. None where no process has counted anything yet. */
export function namesIn({ files, layout }: SpoolContext): readonly FiguresName[] {
  return listIfReadable(files, layout.statistics)
    .toSorted()
    .flatMap((fileName) => {
      const name = parseFiguresFileName(fileName);
      return name === null ? [] : [{ fileName, ...name }];
    });
}

function textOf(names: readonly FiguresName[]): string {
  return names.map(({ fileName }) => fileName).join();
}
