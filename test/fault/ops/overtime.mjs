/** A child was killed because the run of `input.late` had had its time: its keeper is told so, and recovers all that it held. */
import fs from 'node:fs';
import { close, input, measure, nextOf, onEvent, open, path, say, until } from './op.mjs';

const broker = open();
const keeper = await broker.keeper({ queues: null, onEvent });
const child = await broker.consumer({ queues: null, tasks: ['echo'], onEvent });
keeper.join(child.owner, { say: () => undefined, terminate: () => undefined });
const ending = { kind: 'timed-out', limitMs: 1_000 };
await measure(async () => {
  for (let i = 0; i < (input.jobs ?? 2); i++) {
    const { job, standing } = await nextOf(child);
    say('run', job.id, standing.attempt);
  }
  await keeper.recover(child.owner, 'interrupted', { id: input.late, startedAtMs: 1, ending, defaults: {} });
  const held = () => fs.readdirSync(`${path}/running`).filter((name) => name.startsWith(child.owner));
  await until(() => held().length === 0, 'what the child held is recovered');
});
await close(child, keeper, broker);
