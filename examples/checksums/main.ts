/**
 * Sends one job for each file under a directory and sums up what the workers found.
 *
 *     node --import tsx main.ts DIRECTORY [SUMS]
 *
 * With SUMS, the checksums are written there as `sha256sum --check` reads them. Exits with 1 if a file could not be read.
 */
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type AsyncResult, TaskError } from 'fsq';
import { type Checksum, checksum } from './tasks.ts';

/** A long silence at the start most likely means that nobody works, ms. */
const SILENCE_MS = 5_000;

const [directory, sumsFile] = process.argv.slice(2);
if (directory === undefined || statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) {
  console.error('usage: node --import tsx main.ts DIRECTORY [SUMS]');
  process.exitCode = 2;
} else {
  process.exitCode = await sumUp(resolve(directory));
}

async function sumUp(root: string): Promise<number> {
  const startedAt = performance.now();
  const paths = filesUnder(root);
  const jobs = await checksum.delayMany(paths.map((path) => [path] as [string]));
  console.log(`${count(jobs.length)} jobs accepted in ${seconds(performance.now() - startedAt)}`);

  const silence = setTimeout(() => console.error('no result yet: is a worker running?'), SILENCE_MS);
  const sums: { path: string; sum: Checksum }[] = [];
  const failures: string[] = [];
  for (const [i, job] of jobs.results.entries()) {
    const path = paths[i] ?? '';
    const sum = await sumOf(job);
    clearTimeout(silence);
    if (typeof sum === 'string') failures.push(`${path}: ${sum}`);
    else sums.push({ path, sum });
  }
  report(sums, failures, performance.now() - startedAt);
  if (sumsFile !== undefined) writeFileSync(sumsFile, sums.map(({ path, sum }) => `${sum.sha256}  ${path}\n`).join(''));
  return failures.length === 0 ? 0 : 1;
}

/** The checksum, or why there is none. */
async function sumOf(job: AsyncResult<Checksum>): Promise<Checksum | string> {
  try {
    return await job.get();
  } catch (error) {
    if (error instanceof TaskError) return error.message;
    throw error; // The spool is at fault, not the file.
  }
}

function report(sums: readonly { sum: Checksum }[], failures: readonly string[], ms: number): void {
  const bytes = sums.reduce((total, { sum }) => total + sum.bytes, 0);
  const gzipBytes = sums.reduce((total, { sum }) => total + sum.gzipBytes, 0);
  const ratio = bytes === 0 ? 'nothing to compress' : `${((100 * gzipBytes) / bytes).toFixed(1)} %`;
  console.log(`
files       ${count(sums.length)}
bytes       ${count(bytes)}
gzip bytes  ${count(gzipBytes)} (${ratio})
time        ${seconds(ms)}
jobs/s      ${count(Math.round((1_000 * (sums.length + failures.length)) / ms))}
failed      ${count(failures.length)}`);
  for (const failure of failures) console.log(`  ${failure}`);
}

/** Regular files only, in order; links are not followed, and a directory that vanishes or may not be read is named. */
function filesUnder(directory: string): string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true }).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    return entries.flatMap((entry) => {
      const path = join(directory, entry.name);
      return entry.isDirectory() ? filesUnder(path) : entry.isFile() ? [path] : [];
    });
  } catch (error) {
    console.error(`skipped: ${error instanceof Error ? error.message : String(error)}`);
    return [];
  }
}

function count(n: number): string {
  return n.toLocaleString('en-US');
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
