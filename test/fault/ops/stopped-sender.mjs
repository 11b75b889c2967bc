// `stopped-sender.mjs SPOOL STEP GO`: sends through the journal, and stands still before it does STEP, until there is a file GO. The test
// stops it (SIGSTOP) meanwhile. Tells `accept ID`, `stands` and `done` on stdout.
import fs from 'node:fs';
import { nodeFiles } from '../../../dist/spool/disk/files.js';
import { openSpool } from '../../../dist/spool/spool.js';

const [path, step, go] = process.argv.slice(2);
/** So many in one call go through the journal. */
const MANY = 20;
const pause = new Int32Array(new SharedArrayBuffer(4));
let isArmed = false;
let renamed = 0;

const files = {
  ...nodeFiles,
  rename: (from, to) => {
    // Half of them are seen already.
    if (isArmed && to.includes('/pending/') && ++renamed === MANY / 2) stand('rename');
    nodeFiles.rename(from, to);
  },
  syncData: (fd) => {
    stand('syncData');
    return nodeFiles.syncData(fd);
  },
  syncFileSystem: (directory) => {
    stand('syncFileSystem');
    return nodeFiles.syncFileSystem(directory);
  },
};

const broker = openSpool({ path, files });
await send();
isArmed = true;
await send();
await Promise.all([send(1), send(1)]);
await broker.close();
say('done');

async function send(count = MANY) {
  const jobs = Array.from({ length: count }, () => {
    const job = { id: broker.nextId(), task: 'echo', args: [], enqueuedAtMs: Date.now(), options: {}, headers: {} };
    return { job, queue: 'default', priority: 5 };
  });
  await broker.enqueue(jobs);
  for (const { job } of jobs) say(`accept ${job.id}`);
}

/** Not a moment goes to anything else of this process, as when it is stopped. */
function stand(at) {
  if (!isArmed || at !== step) return;
  isArmed = false;
  say('stands');
  while (!fs.existsSync(go)) Atomics.wait(pause, 0, 0, 5);
}

function say(line) {
  fs.writeSync(1, `${line}\n`);
}
