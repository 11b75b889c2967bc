/** What lies beside a job is in doubt until it was read. */
import assert from 'node:assert/strict';
import { chownSync, linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe } from 'node:test';
import { readBeside } from '../../../../src/spool/beside/beside-files.ts';
import { readProgress } from '../../../../src/spool/beside/progress-file.ts';
import { tempContext } from '../../../support/context.ts';
import { nextId } from '../../../support/factory.ts';
import { lacks } from '../../../support/needs.ts';
import { plant } from '../../../support/planted.ts';
import { setTrap, target, type Trap, TRAPS } from '../../../support/traps.ts';

const SOMEBODY = 54_321;
const REASONS: Readonly<Record<Trap, RegExp>> = {
  'link to a file': /symbolic link/,
  'link to a folder': /symbolic link/,
  'dangling link': /symbolic link/,
  'hard link': /2 links, and not all of them lie in this spool/,
  FIFO: /not a regular file/,
  folder: /not a regular file/,
  'sparse file': /2147483648 bytes, more than 1000/,
  socket: /not a regular file/,
};

describe('nothing is read through', { skip: lacks('python3', 'mkfifo') }, () => {
  for (const trap of TRAPS) {
    test(trap, (t) => {
      const context = tempContext(t);
      const id = nextId();
      mkdirSync(context.layout.checkpoints);
      const outside = target(join(context.layout.root, '../outside'));
      setTrap(trap, join(context.layout.checkpoints, `${id}.json`), outside);

      const reading = readBeside(context, 'checkpoints', id, 1_000);

      assert.equal(reading.kind, 'corrupt');
      assert.match(reading.kind === 'corrupt' ? reading.reason : '', REASONS[trap]);
    });
  }
});

test("another user's file is not read", { skip: lacks() }, (t) => {
  const context = tempContext(t, { trustedUids: new Set([0]) });
  const id = nextId();
  chownSync(plant(context.layout.root, `progress/${id}.json`, '{"value":1,"attempt":1,"atMs":1}'), SOMEBODY, SOMEBODY);

  assert.match(JSON.stringify(readBeside(context, 'progress', id, 1_000)), /belongs to user 54321/);
  assert.equal(readProgress(context, id), null);
});

test('a second name that a power cut has left in tmp/ is in no way', (t) => {
  const context = tempContext(t);
  const id = nextId();
  const path = plant(context.layout.root, `checkpoints/${id}.json`, 'text');
  linkSync(path, join(context.layout.tmp, 'draft'));

  assert.deepEqual(readBeside(context, 'checkpoints', id, 1_000), { kind: 'text', text: 'text' });
});

test('a file in the place of the folder hides no job', (t) => {
  const context = tempContext(t);
  writeFileSync(context.layout.progress, '');

  assert.equal(readProgress(context, nextId()), null);
});
