/** Many processes that want the same keys at once, some of them killed or stopped on the way: never two jobs of a key at a time. */
import { join } from 'node:path';
import test from 'node:test';
import { pathToFileURL } from 'node:url';
import { assertSound } from '../support/invariants.ts';
import { REPOSITORY } from '../support/project.ts';
import { tempSpool } from '../support/temp.ts';
import { ASKING, assertRace, CALLS, KEYS, produce } from '../support/unique-race.ts';

/** Asks for keys in an order of its own and says who stands for them, and when it heard of it. */
const PRODUCER = `
import { writeSync } from 'node:fs';
const { openSpool } = await import(${JSON.stringify(pathToFileURL(join(REPOSITORY, 'dist/spool/spool.js')).href)});
const [path, fsync, keys] = process.argv.slice(1);
const broker = openSpool({ path, fsync: fsync === 'true' });
${ASKING}`;

for (const { fsync, processes } of [
  { fsync: false, processes: 8 },
  { fsync: true, processes: 4 },
]) {
  test(`${processes} processes ask for ${KEYS} keys ${CALLS} times ${fsync ? 'with' : 'without'} fsync`, async (t) => {
    const { path, broker } = tempSpool(t, { fsync: false });
    const node = ['--input-type=module', '--eval', PRODUCER];
    const producers = Array.from({ length: processes }, (_, n) => produce(t, n + 1, node, path, String(fsync)));

    await assertRace(t, broker, producers);

    assertSound(path);
  });
}
