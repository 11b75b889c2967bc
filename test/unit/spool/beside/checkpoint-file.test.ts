import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe } from 'node:test';
import type { BrokerEvent } from '../../../../src/broker/worker-side.ts';
import { CheckpointFile } from '../../../../src/spool/beside/checkpoint-file.ts';
import { nodeFiles } from '../../../../src/spool/disk/files.ts';
import { until } from '../../../support/conditions.ts';
import { tempContext } from '../../../support/context.ts';
import { faultyFiles } from '../../../support/faulty-files.ts';
import { heldRun } from '../../../support/held-run.ts';
import { namesIn } from '../../../support/invariants.ts';
import { plant } from '../../../support/planted.ts';

test('it is on disk when it resolves: the bytes before the name, then the name, and once the folder', async (t) => {
  const order: string[] = [];
  const context = tempContext(t, {
    files: {
      ...nodeFiles,
      sync: async (fd) => {
        await nodeFiles.sync(fd);
        order.push(nodeFiles.info(fd).kind);
      },
      rename: (from, to) => {
        nodeFiles.rename(from, to);
        order.push('rename');
      },
    },
  });
  const file = new CheckpointFile(context, heldRun(context));

  await file.keep({ row: 1 });
  const first = order.splice(0);
  await file.keep({ row: 2 });

  assert.deepEqual(first, ['file', 'rename', 'directory', 'directory']);
  assert.deepEqual(order, ['file', 'rename', 'directory']);
});

test('without fsync nothing waits for the disk', async (t) => {
  const faulty = faultyFiles(nodeFiles);
  const context = tempContext(t, { files: faulty.files, fsync: false });
  const file = new CheckpointFile(context, heldRun(context));

  await file.keep(1);

  assert.equal(file.read(), 1);
  assert.deepEqual([faulty.calls.get('sync'), faulty.calls.get('openDirectory')], [undefined, undefined]);
});

describe('a disk that is full is waited for:', () => {
  for (const operation of ['create', 'write', 'sync', 'rename', 'makeDirectory', 'openDirectory'] as const) {
    for (const errno of ['ENOSPC', 'EIO']) {
      test(`${errno} from ${operation}`, async (t) => {
        const faulty = faultyFiles(nodeFiles);
        const context = tempContext(t, { files: faulty.files });
        const events: BrokerEvent[] = [];
        const file = new CheckpointFile(context, heldRun(context, { onEvent: (event) => events.push(event) }));
        faulty.plan({ operation, call: 1, errno, lasts: 'for good' });

        const keeping = file.keep({ row: 1 });
        await until(() => events.length > 0, 'a person is told');
        faulty.mend();
        await keeping;

        assert.deepEqual(
          events.map(({ kind }) => kind),
          ['disk-wait', 'disk-wait-over'],
        );
        assert.deepEqual(file.read(), { row: 1 });
        assert.deepEqual(namesIn(context.layout.root, 'tmp'), []);
      });
    }
  }
});

test('a refusal that does not pass is an error with a code, and the checkpoint before stays', async (t) => {
  const faulty = faultyFiles(nodeFiles);
  const context = tempContext(t, { files: faulty.files });
  const file = new CheckpointFile(context, heldRun(context));
  await file.keep(1);
  faulty.plan({ operation: 'rename', call: 1, errno: 'EROFS', lasts: 'once' });

  await assert.rejects(file.keep(2), { code: 'FSQ_SPOOL_NOT_WRITABLE', message: /^The checkpoint of job .* not kept/ });

  assert.equal(file.read(), 1);
  faulty.plan({ operation: 'read', call: 1, errno: 'EIO', lasts: 'once' });
  assert.throws(() => file.read(), { code: 'FSQ_SPOOL', message: /cannot be read/ }, 'to begin anew would repeat work');
});

test('a run whose job was taken away keeps nothing: the next run has a newer one', async (t) => {
  const context = tempContext(t);
  const run = heldRun(context);
  const late = new CheckpointFile(context, run);
  await late.keep('before');
  const directory = `${run.holder.directory}~7-0000000000000007`;
  renameSync(run.holder.directory, directory);
  const path = join(directory, run.path.slice(run.holder.directory.length + 1));
  await new CheckpointFile(context, { ...run, path, holder: { ...run.holder, directory } }).keep('newer');

  await assert.rejects(late.keep('late'), { code: 'FSQ_FENCED' });

  assert.equal(late.read(), 'newer');
  assert.deepEqual(namesIn(context.layout.root, 'tmp'), []);
});

describe('what is no checkpoint counts for nothing, and is told:', () => {
  const cases: readonly [what: string, text: string][] = [
    ['empty', ''],
    ['cut off', '{"v":1,"attempt":1,"atMs":1,"val'],
    ['zeros', '\0'.repeat(64)],
    ['without a value', '{"v":1,"attempt":1,"atMs":1}'],
    ['a list', '[1]'],
    ['nested too deep', `{"v":1,"value":${'['.repeat(200)}${']'.repeat(200)}}`],
  ];
  for (const [what, text] of cases) {
    test(what, (t) => {
      const context = tempContext(t);
      const events: BrokerEvent[] = [];
      const run = heldRun(context, { onEvent: (event) => events.push(event) });
      plant(context.layout.root, `checkpoints/${run.name.id}.json`, text);

      assert.equal(new CheckpointFile(context, run).read(), undefined);

      assert.deepEqual(events, [
        { kind: 'unreadable', name: `checkpoints/${run.name.id}.json`, reason: 'it is no checkpoint' },
      ]);
    });
  }
});

test('a folder in its place is moved away', async (t) => {
  const context = tempContext(t);
  const run = heldRun(context, { onEvent: () => undefined });
  mkdirSync(join(context.layout.checkpoints, `${run.name.id}.json`, 'inner'), { recursive: true });
  const file = new CheckpointFile(context, run);
  assert.equal(file.read(), undefined);

  await file.keep({ row: 1 });

  assert.deepEqual(file.read(), { row: 1 });
  assert.equal(namesIn(context.layout.root, 'corrupt').length, 1);
});

test('null and false are kept as they are, and the file says what docs/spool-format.md says of it', async (t) => {
  const context = tempContext(t, { nowMs: () => 7 });
  const run = heldRun(context);
  const file = new CheckpointFile(context, run);

  await file.keep(null);
  assert.equal(file.read(), null);
  await file.keep(false);
  assert.equal(file.read(), false);

  const text = readFileSync(join(context.layout.checkpoints, `${run.name.id}.json`), 'utf8');
  assert.equal(text, '{"v":1,"attempt":1,"atMs":7,"value":false}\n');
});
