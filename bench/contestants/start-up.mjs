/** From the start of a command to its end, as somebody at a terminal waits for it: the median of `times` runs. */
import { spawnSync } from 'node:child_process';
import { median } from '../figures.mjs';
import { BIN, makeProject, print, producer, readOptions } from './project.mjs';

const { dir, command, times } = readOptions();
const project = makeProject(dir);
const { app, noop } = producer(project, {});
const ARGS = {
  node: ['-e', '0'],
  call: [BIN, 'call', 'add', '1', '2'],
  burst: [BIN, 'worker', '--burst', '-c', '1', '-l', 'warn'],
  import: ['--input-type=module', '-e', "import 'fsq'"],
};
run(); // Files into the page cache, the spool made.

const durations = [];
for (let i = 0; i < times; i++) {
  if (command === 'burst') await noop.delay();
  durations.push(run());
}
await app.close();
print({ ms: median(durations) });

function run() {
  const startedAt = performance.now();
  const { status, stderr } = spawnSync(process.execPath, ARGS[command], { cwd: project.path, encoding: 'utf8' });
  const ms = performance.now() - startedAt;
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${stderr}`);
  return ms;
}
