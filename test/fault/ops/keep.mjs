/** A keeper that looks after the spool until `input.until` is true of it: recovery, promotion, sweeping, expiry. */
import fs from 'node:fs';
import { close, input, measure, onEvent, open, path, until } from './op.mjs';

const names = (directory) => fs.readdirSync(`${path}/${directory}`);
const DONE = {
  recovered: () => names('running').every((name) => name.startsWith(`${process.pid}-`) && !name.includes('~')),
  promoted: () => names('delayed').length === 0,
  expired: () => names('results').length === 0 && names('spare').length > 0,
  unmarked: () => names('cancel').length === 0,
  freed: () => names('journal').every((boot) => names(`journal/${boot}`).length === 0),
  besideSwept: () => names('checkpoints').length === 2,
  swept: () => names('tmp').length === 0,
};

const broker = open(input.resultTtlMs === undefined ? {} : { resultTtlMs: input.resultTtlMs });
await measure(async () => {
  const keeper = await broker.keeper({ queues: null, onEvent });
  if (input.unpark !== undefined) keeper.know(input.unpark);
  await until(() => DONE[input.until](), `the spool is ${input.until}`);
  await keeper.close();
});
await close(broker);
