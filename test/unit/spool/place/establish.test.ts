import assert from 'node:assert/strict';
import { chmodSync, lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe } from 'node:test';
import { SpoolError } from '../../../../src/job/errors.ts';
import { nodeFiles } from '../../../../src/spool/disk/files.ts';
import { DIRECTORIES, MADE_AT_FIRST_USE } from '../../../../src/spool/layout.ts';
import { openSpool } from '../../../../src/spool/spool.ts';
import { job } from '../../../support/factory.ts';
import { faultyFiles } from '../../../support/faulty-files.ts';
import { namesIn } from '../../../support/invariants.ts';
import { tempDir } from '../../../support/temp.ts';

/** The directories of a spool whose jobs use nothing special. */
const MADE = DIRECTORIES.filter((name) => !MADE_AT_FIRST_USE.has(name));

test('opening makes the spool: its format file and every directory, for its user alone', (t) => {
  const path = join(tempDir(t), 'a', 'b', 'spool');

  openSpool({ path });

  assert.equal(readFileSync(join(path, 'fsq.json'), 'utf8'), '{"format":1}\n');
  assert.deepEqual(namesIn(path, '.'), [...MADE, 'fsq.json'].toSorted());
  for (const name of MADE) assert.equal(lstatSync(join(path, name)).mode & 0o777, 0o700, name);
  assert.deepEqual(namesIn(path, 'tmp'), []);
});

test('opening again, or half-made, changes nothing that is there', async (t) => {
  const path = join(tempDir(t), 'spool');
  const broker = openSpool({ path });
  const sent = job();
  await broker.enqueue([sent]);
  openSpool({ path });
  rmSync(join(path, 'fsq.json'));
  rmSync(join(path, 'logs'), { recursive: true });

  const again = openSpool({ path });

  assert.equal((await again.find(sent.job.id))?.state, 'pending');
  assert.ok(lstatSync(join(path, 'logs')).isDirectory());
});

test('a format file that a power cut left empty is written again', async (t) => {
  const path = join(tempDir(t), 'spool');
  const broker = openSpool({ path });
  const sent = job();
  await broker.enqueue([sent]);
  writeFileSync(join(path, 'fsq.json'), '');

  const again = openSpool({ path });

  assert.equal(readFileSync(join(path, 'fsq.json'), 'utf8'), '{"format":1}\n');
  assert.equal((await again.find(sent.job.id))?.state, 'pending');
});

test('a spool that must exist and does not is not made', (t) => {
  const path = join(tempDir(t), 'spool');

  assert.throws(() => openSpool({ path, mustExist: true }), { code: 'FSQ_NO_SPOOL' });

  assert.throws(() => lstatSync(path), { code: 'ENOENT' });
});

describe('a spool is refused when its format file', () => {
  for (const text of ['{"format":2}', '{"format":"1"}', '{}', '[]', 'null', 'garbage', '1'.repeat(5_000)]) {
    test(`says ${JSON.stringify(text.slice(0, 20))}`, (t) => {
      const path = tempDir(t);
      writeFileSync(join(path, 'fsq.json'), text);

      assert.throws(
        () => openSpool({ path }),
        (error) => error instanceof SpoolError && error.code === 'FSQ_SPOOL_FORMAT' && error.message.includes(path),
      );

      assert.deepEqual(namesIn(path, '.'), ['fsq.json']);
    });
  }

  test('is a symbolic link', (t) => {
    const path = tempDir(t);
    writeFileSync(join(path, 'elsewhere'), '{"format":1}');
    symlinkSync(join(path, 'elsewhere'), join(path, 'fsq.json'));

    assert.throws(() => openSpool({ path }), SpoolError);
  });
});

test('a path through a file, or that is a file, is refused', (t) => {
  const file = join(tempDir(t), 'file');
  writeFileSync(file, 'x');

  for (const path of [file, join(file, 'spool')]) {
    assert.throws(
      () => openSpool({ path }),
      (error) => error instanceof SpoolError && error.message.includes('another directory'),
    );
  }
  assert.equal(readFileSync(file, 'utf8'), 'x');
});

test('a name longer than a file system takes is refused', (t) => {
  assert.throws(() => openSpool({ path: join(tempDir(t), 'x'.repeat(300)) }), { code: 'FSQ_SPOOL' });
});

test('a path of 300 characters is a spool like any other', async (t) => {
  const path = join(tempDir(t), 'x'.repeat(150), 'y'.repeat(150));

  const broker = openSpool({ path });
  const sent = job();
  await broker.enqueue([sent]);

  assert.equal((await broker.find(sent.job.id))?.state, 'pending');
});

test('a directory that may not be written is refused with what to do', (t) => {
  for (const errno of ['EACCES', 'EPERM', 'EROFS']) {
    const faulty = faultyFiles(nodeFiles);
    faulty.plan({ operation: 'makeDirectory', call: 1, errno, lasts: 'once' });

    assert.throws(() => openSpool({ path: join(tempDir(t), 'spool'), files: faulty.files }), {
      code: 'FSQ_SPOOL_NOT_WRITABLE',
      message: /must be writable by this user/,
    });
  }
});

test(
  'as another user than root, a read-only directory is refused',
  { skip: process.getuid?.() === 0 && 'root may write everywhere' },
  (t) => {
    const path = tempDir(t);
    chmodSync(path, 0o500);
    t.after(() => chmodSync(path, 0o700));

    assert.throws(() => openSpool({ path }), { code: 'FSQ_SPOOL_NOT_WRITABLE' });
  },
);

test('whatever fails once while it is made, the next try makes it', (t) => {
  const counter = faultyFiles(nodeFiles);
  openSpool({ path: join(tempDir(t), 'a', 'spool'), files: counter.files });
  const counts = [...counter.calls];

  for (const [operation, count] of counts) {
    for (let call = 1; call <= count; call++) {
      const path = join(tempDir(t), 'a', 'spool');
      const faulty = faultyFiles(nodeFiles);
      faulty.plan({ operation, call, errno: 'EIO', lasts: 'once' });
      try {
        openSpool({ path, files: faulty.files });
      } catch (error) {
        assert.ok(error instanceof SpoolError, String(error));
      }

      openSpool({ path });

      assert.equal(readFileSync(join(path, 'fsq.json'), 'utf8'), '{"format":1}\n');
      assert.ok(MADE.every((name) => lstatSync(join(path, name)).isDirectory()));
    }
  }
});

test('a spool that is removed while it is open: each call says so', async (t) => {
  const path = join(tempDir(t), 'spool');
  const broker = openSpool({ path });
  t.after(() => broker.close());
  mkdirSync(join(path, 'x'));
  rmSync(path, { recursive: true });

  await assert.rejects(broker.enqueue([job()]), (error) => error instanceof SpoolError && error.uncertain.length === 0);
});
