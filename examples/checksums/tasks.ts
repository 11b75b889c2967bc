/** One job per file: its SHA-256 and its size before and after gzip. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { task } from 'fsq';

export interface Checksum {
  readonly sha256: string;
  readonly bytes: number;
  readonly gzipBytes: number;
}

/**
 * Reads the file once, in pieces, so that its size does not matter. A file that is gone or may not be read makes the job
 * fail with the system's error; the caller sees that as a TaskError.
 */
export const checksum = task('checksum', async (path: string): Promise<Checksum> => {
  const hash = createHash('sha256');
  const gzip = createGzip();
  let bytes = 0;
  let gzipBytes = 0;
  gzip.on('data', (piece: Buffer) => (gzipBytes += piece.length));
  for await (const piece of createReadStream(path) as AsyncIterable<Buffer>) {
    bytes += piece.length;
    hash.update(piece);
    if (!gzip.write(piece)) await new Promise((resolve) => gzip.once('drain', resolve));
  }
  gzip.end();
  await finished(gzip);
  return { sha256: hash.digest('hex'), bytes, gzipBytes };
});
