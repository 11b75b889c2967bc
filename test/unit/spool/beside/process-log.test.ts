import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test, { describe } from 'node:test';
import { ProcessLog } from '../../../../src/spool/beside/process-log.ts';
import { nodeFiles } from '../../../../src/spool/disk/files.ts';
import { besidePath } from '../../../../src/spool/layout.ts';
import { tempContext } from '../../../support/context.ts';
import { faultyFiles } from '../../../support/faulty-files.ts';
import { heldRun } from '../../../support/held-run.ts';

describe('a worker that cannot see what its child holds reads on what that prints:', () => {
  for (const errno of ['EMFILE', 'EIO', 'EACCES', 'ENOENT']) {
    test(errno, (t) => {
      const faulty = faultyFiles(nodeFiles);
      const context = tempContext(t, { files: faulty.files });
      const { name, holder } = heldRun(context);
      const log = new ProcessLog(context, { owner: holder.owner, logBytes: 65_536, onEvent: () => undefined });
      faulty.plan({ operation: 'list', call: 1, errno, lasts: 'once' });

      const isTold = log.print('stderr', Buffer.from('lost\n'));
      log.print('stderr', Buffer.from('kept\n'));
      log.end();

      assert.equal(isTold, false);
      assert.match(readFileSync(besidePath(context.layout, 'logs', name.id), 'utf8'), /^\S+ err kept\n$/);
      assert.equal(faulty.hasFailed(), true);
    });
  }
});
