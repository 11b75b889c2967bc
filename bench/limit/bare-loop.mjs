/**
 * The system calls of a job and nothing else:
 * `node bare-loop.mjs <dir> <index> <of> <bytes of the tail> <jobs to warm up> <jobs> [json]`.
 *
 * Takes the names of pending/ whose number leaves `index` when divided by `of`, in order; says "ready", waits for a line, works, and says when it ended.
 * Those calls, counted with `strace -c` on fsq's child (2 rename, 2 open, 2 close, fstat, read, write), are made here too:
 * when fsq's change, these change. With `json` each job is parsed, and its argument written as the value.
 */
import fs from 'node:fs';
import { once } from 'node:events';
import { numberOf, TAIL } from './spool.mjs';

const { O_RDONLY, O_RDWR, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
const [dir = '', index = '0', of = '1', tailBytes = '0', warmUp = '0', jobs = '0', how = ''] = process.argv.slice(2);
const names = fs
  .readdirSync(`${dir}/pending`)
  .toSorted()
  .filter((name) => numberOf(name) % Number(of) === Number(index));
const tail = Buffer.from(Number(tailBytes) > 0 ? 'x'.repeat(Number(tailBytes)) : TAIL);

for (const name of names.splice(0, Number(warmUp))) runOne(name);
process.stdout.write('ready\n');
await once(process.stdin, 'data');
process.stdin.pause();
names.length = Math.min(names.length, Number(jobs));
const before = process.cpuUsage();
for (const name of names) runOne(name);
const endedMs = performance.timeOrigin + performance.now();
const { user, system } = process.cpuUsage(before);
process.stdout.write(`${JSON.stringify({ endedMs, jobs: names.length, cpuUs: user + system })}\n`);

function runOne(name) {
  const held = `${dir}/running/${index}/${name.replace('.0.0.json', '.1.0.json')}`;
  fs.renameSync(`${dir}/pending/${name}`, held);
  const read = fs.openSync(held, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  const { size } = fs.fstatSync(read);
  const base = Buffer.allocUnsafe(size);
  fs.readSync(read, base, 0, size, 0);
  fs.closeSync(read);
  const bytes = how === 'json' ? tailOf(JSON.parse(base.toString())) : tail;
  const write = fs.openSync(held, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
  fs.writeSync(write, bytes, 0, bytes.length, size - 2);
  fs.closeSync(write);
  fs.renameSync(held, `${dir}/results/${name.slice(2, 38)}.json`);
}

/** As fsq's child of a task that returns its argument. */
function tailOf({ args }) {
  return Buffer.from(TAIL.replace('null}', `${JSON.stringify(args[0])}}`));
}
