/** A job kills its own process in its first run; the second says how long ago that was. */
import { quantile } from '../figures.mjs';
import { makeProject, print, producer, readOptions, startWorker } from './project.mjs';

const { dir, times, children } = readOptions();
const project = makeProject(dir);
const { app, phoenix } = producer(project, { fsync: false });
const worker = await startWorker(project, ['-l', 'silent'], { children });

const waits = [];
for (let i = 0; i < times; i++) waits.push(Number(await (await phoenix.delay(`${dir}/death-${i}`)).get('30s')));
print({ times, medianMs: quantile(waits, 0.5), p99Ms: quantile(waits, 0.99) });
await worker.stop();
await app.close();
