/** What all processes of a spool have counted together. */
import { sumOfHistories } from '../../broker/figures/history.ts';
import { type Statistics, Tally } from '../../broker/statistics.ts';
import type { SpoolContext } from '../disk/context.ts';
import { listIfReadable } from '../disk/if-there.ts';
import { type KeptFigures, parseFiguresFileName, readFigures } from './statistics-file.ts';

/** A worker that takes figures over while they are read has them counted twice, or not at all: then all are read once more. */
const LOOKS = 5;

/** A file that cannot be read counts for nothing: `fsq doctor` tells of it. */
export function readStatistics(context: SpoolContext): Statistics {
  const counted = inUse(figuresIn(context));
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

/** A file of statistics/, named like one. */
export interface FiguresFile {
  readonly fileName: string;
  readonly owner: string;
  readonly taker: string | null;
  /** Null when they cannot be read. */
  readonly figures: KeptFigures | null;
}

/** All that lie there at one moment, as far as can be. */
export function figuresIn(context: SpoolContext): readonly FiguresFile[] {
  for (let look = 1; ; look++) {
    const names = namesIn(context);
    const found = names.flatMap((name) => {
      const reading = readFigures(context, name.fileName);
      return reading.kind === 'gone' ? [] : [{ ...name, figures: 'figures' in reading ? reading.figures : null }];
    });
    if (look === LOOKS || names.length === 0 || textOf(namesIn(context)) === textOf(names)) return found;
  }
}

/** True of figures that another file holds. What lies under an owner's own name was begun after the rename, by one that was taken for dead. */
export function isHeld({ owner, taker }: FiguresFile, taken: ReadonlySet<string>): boolean {
  return taker !== null && taken.has(owner);
}

function inUse(all: readonly FiguresFile[]): readonly KeptFigures[] {
  const taken = new Set(all.flatMap(({ figures }) => figures?.taken ?? []));
  return all.flatMap((file) => (file.figures === null || isHeld(file, taken) ? [] : [file.figures]));
}

type FiguresName = Omit<FiguresFile, 'figures'>;

/** Sorted. None where no process has counted anything yet. */
function namesIn({ files, layout }: SpoolContext): readonly FiguresName[] {
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
