import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import test, { describe, type TestContext } from 'node:test';
import { machineMs } from '../../../../src/broker/common/machine-ms.ts';
import type { PrintingJob } from '../../../../src/broker/worker-side.ts';
import { ProcessLog } from '../../../../src/spool/beside/process-log.ts';
import type { HeldFile } from '../../../../src/spool/job-file/holder.ts';
import { nodeFiles } from '../../../../src/spool/disk/files.ts';
import { besidePath } from '../../../../src/spool/layout.ts';
import { tempContext } from '../../../support/context.ts';
import { faultyFiles } from '../../../support/faulty-files.ts';
import { heldRun } from '../../../support/held-run.ts';
import { someOwner } from '../../../support/owners.ts';

function sceneOf(t: TestContext): { log: ProcessLog; hold: () => HeldFile; printed: (held: HeldFile) => string } {
  const context = tempContext(t);
  const log = new ProcessLog(context, { owner: someOwner(1), logBytes: 65_536, onEvent: () => undefined });
  const printed = ({ name }: HeldFile): string => {
    const path = besidePath(context.layout, 'logs', name.id);
    return existsSync(path) ? readFileSync(path, 'utf8').replaceAll(/^\S+ /gm, '') : '';
  };
  return { log, hold: () => heldRun(context), printed };
}

const word = ({ name }: HeldFile, begunAtMs: number): PrintingJob => ({ id: name.id, attempt: 1, begunAtMs });

test("what is read before the child tells of its job is that job's if it had begun, and else nobody's", (t) => {
  const { log, hold, printed } = sceneOf(t);
  const [first, second] = [hold(), hold()];

  log.print('stdout', Buffer.from("nobody's\n"));
  const begunAtMs = machineMs();
  const isTold = log.print('stdout', Buffer.from('one\n'));
  log.print('stderr', Buffer.from('two\n'));
  log.printsFor(word(second, begunAtMs));
  log.print('stdout', Buffer.from('three\n'));
  log.end();

  assert.equal(isTold, false);
  assert.equal(printed(second), 'out one\nerr two\nout three\n');
  assert.equal(printed(first), '');
});

test('what a job has printed is not of the next one, where the worker stands still before it reads the word of that', (t) => {
  const { log, hold, printed } = sceneOf(t);

  log.print('stdout', Buffer.from('of a job that has ended\n'));
  const next = hold();
  log.printsFor(word(next, machineMs()));
  log.print('stdout', Buffer.from('next\n'));
  log.end();

  assert.equal(printed(next), 'out next\n');
});

test('what is read while the child holds several is of the one that is left, and not of one that it has taken since', (t) => {
  const { log, hold, printed } = sceneOf(t);
  const [first, second] = [hold(), hold()];

  log.print('stdout', Buffer.from('of one of two\n'));
  rmSync(first.path);
  log.print('stdout', Buffer.from('of the second\n'));
  rmSync(second.path);
  log.print('stdout', Buffer.from('of none\n'));
  const third = hold();
  log.print('stdout', Buffer.from('of the third\n'));
  log.end();

  assert.deepEqual(
    [printed(first), printed(second), printed(third)],
    ['', 'out of one of two\nout of the second\n', 'out of the third\n'],
  );
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
