/**
 * Adds up what the processes of a test run wrote under coverage, on all cores, into a file for each core.
 *
 * c8 reads one file after the other, and adds each to all that it has read before: for thousands of processes that took it a minute.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

const root = new URL('..', import.meta.url).href;
/** The one by which c8 adds up. */
const { mergeProcessCovs } = createRequire(createRequire(import.meta.url).resolve('c8'))('@bcoe/v8-coverage');
/** How many processes are read before they are added up together: few at a time cost time, many cost memory. */
const AT_ONCE = 16;

if (!isMainThread) addUpFiles(workerData);

/** @param {string} directory what Node was given as NODE_V8_COVERAGE */
export async function addUp(directory) {
  const files = readdirSync(directory).map((name) => join(directory, name));
  const cores = availableParallelism();
  const shares = Array.from({ length: cores }, (_, core) => files.filter((_file, i) => i % cores === core));
  await Promise.all(
    shares.map((share, core) => {
      const worker = new Worker(fileURLToPath(import.meta.url), {
        workerData: { files: share, target: join(directory, `added-up-${core}.json`) },
      });
      return new Promise((resolve, reject) => worker.on('error', reject).on('exit', resolve));
    }),
  );
}

function addUpFiles({ files, target }) {
  let sum = { result: [] };
  for (let i = 0; i < files.length; i += AT_ONCE) {
    const processes = files.slice(i, i + AT_ONCE).flatMap(readIfWhole);
    sum = mergeProcessCovs([
      sum,
      ...processes.map((written) => ({ result: written.result.filter(countsIn(written)) })),
    ]);
  }
  const sourceMaps = Object.fromEntries(sum.result.map(({ url }) => [url, sourceMapBeside(url)]));
  writeFileSync(target, JSON.stringify({ ...sum, 'source-map-cache': sourceMaps }));
  for (const file of files) rmSync(file);
}

/** A process that was killed while it wrote leaves half a file, which counts for nothing. */
function readIfWhole(file) {
  try {
    const written = JSON.parse(readFileSync(file, 'utf8'));
    return Array.isArray(written.result) ? [written] : [];
  } catch {
    return [];
  }
}

/** Of a file that does not name its source map, as Node would have written it: sources as URLs, and how long each line is. */
function sourceMapBeside(url) {
  const file = fileURLToPath(url);
  if (!existsSync(`${file}.map`)) return undefined;
  const map = JSON.parse(readFileSync(`${file}.map`, 'utf8'));
  const data = { ...map, sources: map.sources.map((source) => new URL(source, url).href) };
  return {
    lineLengths: readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.length),
    data,
    url: null,
  };
}

/** Ours, as it stands in the file. What brings a source map along was written anew by tsx: its positions are others. */
function countsIn({ 'source-map-cache': sourceMaps = {} }) {
  return ({ url }) => (url.startsWith(`${root}src/`) || url.startsWith(`${root}dist/`)) && !(url in sourceMaps);
}
