/** The other end of bare-round-trip.mjs: a watch on pending/; each job is claimed, written and published. Ends when told to. */
import fs from 'node:fs';
import { TAIL } from './spool.mjs';

const [dir = ''] = process.argv.slice(2);
const tail = Buffer.from(TAIL);

const watch = fs.watch(`${dir}/pending`, (_event, name) => {
  if (name !== null) answer(name);
});
process.stdout.write('ready\n');
process.stdin.on('data', () => watch.close()).unref();

function answer(name) {
  const held = `${dir}/running/0/${name}`;
  try {
    fs.renameSync(`${dir}/pending/${name}`, held);
  } catch {
    return; // The same event tells of a name that left.
  }
  const fd = fs.openSync(held, 'r+');
  const { size } = fs.fstatSync(fd);
  fs.readSync(fd, Buffer.allocUnsafe(size), 0, size, 0);
  fs.writeSync(fd, tail, 0, tail.length, size - 2);
  fs.closeSync(fd);
  fs.renameSync(held, `${dir}/results/${name.slice(2, 38)}.json`);
}
