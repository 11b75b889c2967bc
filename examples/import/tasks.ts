/** An import that may take hours, and goes on where it was when its process dies. */
import { createReadStream, openSync, closeSync, fdatasyncSync, ftruncateSync, statSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { currentJob, task } from 'fsq';

/** All that the next attempt has to know. */
interface Checkpoint {
  /** Bytes of the source that are imported. */
  readonly read: number;
  /** Bytes of the target that hold them. */
  readonly written: number;
  readonly rows: number;
}

export interface Imported {
  readonly rows: number;
  /** The row at which the last attempt began. */
  readonly beganAt: number;
  readonly attempts: number;
}

/** Rows between two checkpoints. A checkpoint waits for the disk: often enough to lose little, and not for every row. */
const BATCH = 100;

/**
 * Imports the rows of `source`, one JSON object a line, into `target`: a file of tab-separated lines, in the place of a database.
 *
 * What was written behind the last checkpoint is cut off before the import goes on, so each row is there once. A database
 * would have the checkpoint's row in its own transaction, or rows with keys of their own.
 *
 * @param pauseMs after each batch, to watch it
 */
export const importRows = task('import', { retries: 3 }, async (source: string, target: string, pauseMs = 0) => {
  const job = currentJob<Checkpoint>();
  const total = statSync(source).size;
  let { read, written, rows } = job.checkpointed ?? { read: 0, written: 0, rows: 0 };
  const beganAt = rows;
  const fd = openSync(target, 'a');
  try {
    ftruncateSync(fd, written);
    let lines = '';
    const keep = async (): Promise<void> => {
      written += writeSync(fd, lines);
      lines = '';
      fdatasyncSync(fd); // Before the checkpoint, which says that it is there.
      await job.checkpoint({ read, written, rows });
      job.progress({ done: read, total }, { rows });
    };
    for await (const line of createInterface({ input: createReadStream(source, { start: read }) })) {
      const { id, name } = JSON.parse(line) as { id: number; name: string };
      lines += `${id}\t${name}\n`;
      rows++;
      read += Buffer.byteLength(line) + 1;
      if (rows % BATCH !== 0) continue;
      await keep();
      if (pauseMs > 0) await wait(pauseMs);
    }
    await keep();
  } finally {
    closeSync(fd);
  }
  return { rows, beganAt, attempts: job.attempt } satisfies Imported;
});
