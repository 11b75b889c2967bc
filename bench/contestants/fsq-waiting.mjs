/**
 * Callers that wait: `processes` of them, each for `results` jobs. All wait before the first job runs, because the worker's
 * children are held at a gate; the CPU that is counted is the callers' alone, from the gate to the last value.
 */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { BENCH } from '../places.mjs';
import { atGate, makeProject, openGate, print, producer, readOptions, startWorker, until } from './project.mjs';
import { hasProc, watches } from './usage.mjs';

const { dir, processes, results, children = 2, settleMs, idleMs } = readOptions();
if (hasProc) await measure();
else print({ missing: 'needs Linux: /proc' });

async function measure() {
  const project = makeProject(dir);
  const { app, gate } = producer(project, { fsync: false });
  const worker = await startWorker(project, [], { children });
  await gate.delayMany(Array.from({ length: children }, () => [project.go]));
  await until(() => atGate(project) >= children, 30_000, 'the children to reach the gate');
  await app.close();

  const callers = Array.from({ length: processes }, () => startCaller(project));
  const idle = await Promise.all(callers.map((caller) => caller.said('idleUs')));
  const watched = Math.max(...callers.map(({ pid }) => watches(pid)));
  const ready = callers.map((caller) => caller.said('counting'));
  for (const caller of callers) caller.send('count');
  await Promise.all(ready);
  const done = callers.map((caller) => caller.said('cpuUs'));
  openGate(project);
  const used = await Promise.all(done);
  print({
    results: processes * results,
    processes,
    cpuUs: sum(used, 'cpuUs') / (processes * results),
    idlePercent: (sum(idle, 'idleUs') / sum(idle, 'idleForUs')) * processes * 100,
    watches: watched,
    seconds: Math.max(...used.map(({ seconds }) => seconds)),
  });
  for (const caller of callers) caller.send('end');
  await worker.stop();
}

/** A process of contestants/caller.mjs. `said(what)` is its next message that has `what`; it rejects when the process ends. */
function startCaller({ spool }) {
  const child = fork(join(BENCH, 'contestants/caller.mjs'), [JSON.stringify({ spool, results, settleMs, idleMs })]);
  const said = (what) =>
    new Promise((resolve, reject) => {
      const listen = (message) => {
        if (!(what in message)) return;
        child.off('message', listen);
        resolve(message);
      };
      child.on('message', listen);
      child.once('exit', (code, signal) => reject(new Error(`a caller ended with ${signal ?? code}`)));
    });
  return { pid: child.pid ?? 0, said, send: (word) => child.send(word) };
}

function sum(messages, name) {
  return messages.reduce((total, message) => total + message[name], 0);
}
