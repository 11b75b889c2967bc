/** A process that waits for many results at once; started by fsq-waiting.mjs, which tells it when to count. */
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { producer } from './project.mjs';

// `settleMs` after the calls all watches are set, and the first looks are over.
const { spool, results, settleMs = 3_000, idleMs = 3_000 } = JSON.parse(process.argv[2] ?? '{}');
const { app, add } = producer({ spool }, { fsync: false });
process.on('disconnect', () => process.exit(1));
const handles = [...(await add.delayMany(Array.from({ length: results }, (_, i) => [i, 1])))];
const values = Promise.all(handles.map((handle) => handle.get()));
await wait(settleMs);

const [idleCpu, idleFrom] = [process.cpuUsage(), performance.now()];
await wait(idleMs);
process.send?.({ idleUs: total(process.cpuUsage(idleCpu)), idleForUs: (performance.now() - idleFrom) * 1_000 });

await once(process, 'message');
const [cpu, from] = [process.cpuUsage(), performance.now()];
process.send?.({ counting: true });
const wrong = (await values).filter((value, i) => value !== i + 1).length;
if (wrong > 0) throw new Error(`${wrong} values were wrong`);
process.send?.({ cpuUs: total(process.cpuUsage(cpu)), seconds: (performance.now() - from) / 1_000 });

await once(process, 'message');
await app.close();
process.disconnect();

function total({ user, system }) {
  return user + system;
}
