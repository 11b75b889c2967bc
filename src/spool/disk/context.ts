/** What all parts of one open spool share: its paths, its file system, its clock, and whether it waits for the disk. */
import type { Files } from './files.ts';
import { writerName } from './identity.ts';
import type { Layout } from '../layout.ts';
import { OddEntries } from './odd-entries.ts';
import { SyncQueue } from './fsync.ts';
import { DraftFiles } from './draft.ts';

/** The journal of this process, as far as steps of jobs that it holds go through it. */
export interface StepJournal {
  /** Asked once for each step: true when it is to be recorded, false when its file is to be fsynced. */
  takes(steps: number): boolean;
  /**
   * Records what a job's file holds now.
   *
   * @param path the name that the file gets next, in the spool
   * @param mostBytes that the file holds
   * @param fill writes what the file holds into the room, and says how many bytes; what it throws is thrown, at once or later
   * @returns when that is durable; false: not so, the file is to be fsynced
   */
  record(path: string, mostBytes: number, fill: (room: Buffer) => number): Promise<boolean>;
  /** Makes durable what was recorded, and frees the segments. False when there was none, or it is not sure. */
  checkpoint(): Promise<boolean>;
  /** Leaves nothing behind, unless the disk refuses. */
  close(): Promise<void>;
}

export interface SpoolContext {
  readonly layout: Layout;
  readonly files: Files;
  /** False gives up durability against power cuts, and only that. */
  readonly fsync: boolean;
  /** Whose files are jobs and outcomes; null: everybody's. */
  readonly trustedUids: ReadonlySet<number> | null;
  readonly nowMs: () => number;
  /** `n` bytes that no other process can guess. */
  readonly randomBytes: (n: number) => Uint8Array;
  /** A name in tmp/ that says which process writes there, and is never used twice. */
  readonly uniqueName: () => string;
  readonly directorySync: SyncQueue;
  /** The files that this process writes jobs into. */
  readonly draftFiles: DraftFiles;
  /** Entries that cannot be dealt with, while the spool itself works. */
  readonly odd: OddEntries;
  /** Set by whoever opens the spool; null where each file is fsynced. */
  journal: StepJournal | null;
}

export function createContext(
  parts: Omit<SpoolContext, 'directorySync' | 'draftFiles' | 'odd' | 'trustedUids' | 'uniqueName' | 'journal'> &
    Partial<Pick<SpoolContext, 'trustedUids' | 'uniqueName' | 'journal'>>,
): SpoolContext {
  const { files, layout } = parts;
  const place = { trustedUids: null, journal: null, uniqueName: uniqueNames(parts), ...parts };
  return {
    directorySync: new SyncQueue(files),
    draftFiles: new DraftFiles(place),
    odd: new OddEntries(files, layout),
    ...place,
  };
}

function uniqueNames({ files, randomBytes }: Pick<SpoolContext, 'files' | 'randomBytes'>): () => string {
  let writer: string | null = null;
  let sequence = 0;
  return () => {
    // Two copies of fsq in one process (two versions, say) must not share names: hence the random part.
    writer ??= `${writerName(files, process.pid)}.${Buffer.from(randomBytes(4)).toString('hex')}`;
    return `${writer}.${sequence++}`;
  };
}

/** Makes the names in `directories` durable; does nothing without fsync. Callers at the same time share one fsync. */
export async function syncDirectories(context: SpoolContext, ...directories: readonly string[]): Promise<void> {
  if (!context.fsync) return;
  await Promise.all(directories.map((directory) => context.directorySync.sync(directory)));
}
