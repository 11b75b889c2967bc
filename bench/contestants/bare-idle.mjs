/** A Node process with `children` forked ones that listen to it and do nothing: the least that any such worker can use. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { idleFigures, SETTLE_MS } from './idle.mjs';
import { print, readOptions } from './project.mjs';

const { dir, children, minutes, settleMs = SETTLE_MS } = readOptions();
const program = join(dir, 'bare-child.mjs');
writeFileSync(
  program,
  `process.on('disconnect', () => process.exit()); process.on('message', () => {}); process.send('ready');`,
);
const forked = Array.from({ length: children }, () => fork(program));
await Promise.all(forked.map((child) => once(child, 'message')));
await wait(settleMs);

const pids = forked.flatMap(({ pid }) => pid ?? []);
print(await idleFigures(null, pids, minutes));
for (const child of forked) child.disconnect();
