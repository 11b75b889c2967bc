import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import test, { describe } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { ProcessLog } from '../../../../src/spool/beside/process-log.ts';
import { nodeFiles } from '../../../../src/spool/disk/files.ts';
import { besidePath } from '../../../../src/spool/layout.ts';
import { tempContext } from '../../../support/context.ts';
import { faultyFiles } from '../../../support/faulty-files.ts';
import { heldRun } from '../../../support/held-run.ts';

test("what is read before the child tells of its job is that job's, if the word has come, and else nobody's", async (t) => {
  const context = tempContext(t);
  const [first, second] = [heldRun(context), heldRun(context)];
  const log = new ProcessLog(context, { owner: first.holder.owner, logBytes: 65_536, onEvent: () => undefined });

  log.print('stdout', Buffer.from("nobody's\n"));
  await turn();
  await turn();
  await turn();
  const isTold = log.print('stdout', Buffer.from('one\n'));
  log.print('stderr', Buffer.from('two\n'));
  log.printsFor({ id: second.name.id, attempt: 1 });
  log.print('stdout', Buffer.from('three\n'));
  log.end();

  assert.equal(isTold, false);
  const kept = readFileSync(besidePath(context.layout, 'logs', second.name.id), 'utf8');
  assert.match(kept, /^\S+ out one\n\S+ err two\n\S+ out three\n$/);
  assert.equal(existsSync(besidePath(context.layout, 'logs', first.name.id)), false);
});

describe('a worker that cannot see what its child holds reads on what that prints:', () => {
  for (const errno of ['EMFILE', 'EIO', 'EACCES', 'ENOENT']) {
    test(errno, (t) => {
      const faulty = faultyFiles(nodeFiles);
      const context = tempContext(t, { files: faulty.files });
      const { name, holder } = heldRun(context);
      const log = new ProcessLog(context, { owner: holder.owner, logBytes: 65_536, onEvent: () => undefined });
      faulty.plan({ operation: 'list', call: 1, errno, lasts: 'once' });

      const isTold = log.print('stderr', Buffer.from('early\n'));
      log.print('stderr', Buffer.from('late\n'));
      log.end();

      assert.equal(isTold, false);
      assert.match(
        readFileSync(besidePath(context.layout, 'logs', name.id), 'utf8'),
        /^\S+ err early\n\S+ err late\n$/,
      );
      assert.equal(faulty.hasFailed(), true);
    });
  }
});
