/** The limit of a round trip: one watch in each of two processes, and the files' way between them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { join } from 'node:path';
import { quantile } from '../figures.mjs';
import { BASE, jobName, makeSpool } from '../limit/spool.mjs';
import { BENCH } from '../places.mjs';
import { print, readOptions } from './project.mjs';

const { dir, jobs: trips } = readOptions();
makeSpool(dir);
const responder = spawn(process.execPath, [join(BENCH, 'limit/bare-responder.mjs'), dir], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
await once(responder.stdout, 'data');
let hear = () => undefined;
const watch = fs.watch(`${dir}/results`, (_event, name) => hear(name));
const bytes = Buffer.from(BASE);

const times = [];
for (let i = 0; i < trips + 100; i++) {
  const startedAt = performance.now();
  await trip(i);
  if (i >= 100) times.push(performance.now() - startedAt);
}
watch.close();
responder.stdin.end('end\n');
print({ trips, medianMs: quantile(times, 0.5), p99Ms: quantile(times, 0.99) });

/** A watch may lose an event: what is not heard of is looked for. */
async function trip(i) {
  const name = jobName(i);
  const result = `${name.slice(2, 38)}.json`;
  const draft = `${dir}/tmp/${i}`;
  const fd = fs.openSync(draft, 'wx', 0o600);
  fs.writeSync(fd, bytes, 0, bytes.length, 0);
  fs.closeSync(fd);
  let timer;
  const heard = new Promise((resolve) => {
    hear = (heardName) => heardName === result && resolve(undefined);
    timer = setInterval(() => fs.existsSync(`${dir}/results/${result}`) && resolve(undefined), 20);
  });
  fs.renameSync(draft, `${dir}/pending/${name}`);
  await heard;
  clearInterval(timer);
  fs.readFileSync(`${dir}/results/${result}`);
}
