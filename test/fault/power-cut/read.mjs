// Reads every outcome as soon as it is there, byte by byte as any program may, and notes what it has read.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { digest, note, noteError } from './notes.mjs';

const results = `${process.env.FSQ_SPOOL}/results`;
const known = new Set();

for (;;) {
  try {
    for (const name of existsSync(results) ? readdirSync(results) : []) if (!known.has(name)) read(name);
  } catch (error) {
    noteError(`reading: ${error.message}`);
    break;
  }
  await wait(5);
}

function read(name) {
  let bytes;
  try {
    bytes = readFileSync(`${results}/${name}`);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    return; // It was forgotten in between.
  }
  const { state } = JSON.parse(bytes.toString());
  if (state === undefined) throw new Error(`${name} has no outcome`);
  note('read', name.slice(0, -'.json'.length), digest(bytes));
  known.add(name);
}
