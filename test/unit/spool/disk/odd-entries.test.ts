/** Whose trouble an error is, and how long an entry is left alone. */
import assert from 'node:assert/strict';
import { rmdirSync, writeFileSync } from 'node:fs';
import test, { describe, type TestContext } from 'node:test';
import type { BrokerEvent } from '../../../../src/broker/worker-side.ts';
import { FencedError } from '../../../../src/job/errors.ts';
import type { SpoolContext } from '../../../../src/spool/disk/context.ts';
import { nodeFiles } from '../../../../src/spool/disk/files.ts';
import { elapsedTime } from '../../../support/clock.ts';
import { tempContext } from '../../../support/context.ts';
import { systemError } from '../../../support/faulty-files.ts';

describe('an error is the trouble of', () => {
  for (const errno of ['EPERM', 'EACCES', 'EROFS', 'EISDIR', 'ENOTDIR', 'EBUSY', 'EINVAL', 'EXDEV']) {
    test(`one entry, if it is ${errno} and every directory works`, (t) => {
      assert.equal(tempContext(t).odd.blame(systemError(errno, 'rename')), 'entry');
    });

    test(`the spool, if it is ${errno} and one directory does not work`, (t) => {
      const tryDirectory = (path: string): void => {
        if (path.endsWith('/delayed')) throw systemError(errno, 'open');
      };
      const { odd } = tempContext(t, { files: { ...nodeFiles, tryDirectory } });

      assert.equal(odd.blame(systemError(errno, 'rename')), 'spool');
    });
  }

  for (const errno of ['ENOSPC', 'EDQUOT', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM']) {
    test(`the moment, if it is ${errno}`, (t) => {
      assert.equal(tempContext(t).odd.blame(systemError(errno, 'rename')), 'moment');
    });
  }

  test('the spool, if it is none of the file system', (t) => {
    const { odd } = tempContext(t);

    assert.equal(odd.blame(new FencedError('1-0000000000000001')), 'spool');
    assert.equal(odd.blame(new TypeError('a defect')), 'spool');
  });
});

test('a disk that fails at one entry again and again costs that entry; one success, and it is a moment again', (t) => {
  const { odd } = tempContext(t);
  const fails = (): void => {
    throw systemError('EIO', 'read');
  };
  const isMoment = (): void => assert.throws(() => odd.try('/spool/running/a/b', fails), { code: 'EIO' });

  isMoment();
  isMoment();
  assert.equal(
    odd.try('/spool/running/a/b', () => undefined),
    true,
  );
  isMoment();
  isMoment();

  assert.equal(odd.try('/spool/running/a/b', fails), false, 'it is left alone');
  assert.equal(odd.isLeftAlone('/spool/running/a/b'), true);
  assert.throws(() => odd.try('/spool/running/a/c', fails), { code: 'EIO' }, 'each entry for itself');
});

describe('a look at the spool', () => {
  test('finds nothing in a good one, nor where a directory of a later fsq is missing, and leaves nothing behind', (t) => {
    const context = tempContext(t);
    for (const name of ['queues', 'limits', 'cancel', 'keys', 'spare'] as const) rmdirSync(context.layout[name]);

    assert.equal(context.odd.problem(), null);

    for (const name of ['tmp', 'pending', 'results'] as const)
      assert.deepEqual(nodeFiles.list(context.layout[name]), []);
  });

  test('finds a directory that is gone, and one that is none', (t) => {
    const gone = tempContext(t);
    rmdirSync(gone.layout.delayed);
    const file = tempContext(t);
    rmdirSync(file.layout.results);
    writeFileSync(file.layout.results, '');

    assert.equal((gone.odd.problem() as NodeJS.ErrnoException).code, 'ENOENT');
    assert.equal((file.odd.problem() as NodeJS.ErrnoException).code, 'ENOTDIR');
  });

  test('a full disk is no reason to give up', (t) => {
    const tryDirectory = (): never => {
      throw systemError('ENOSPC', 'open');
    };

    assert.equal(tempContext(t, { files: { ...nodeFiles, tryDirectory } }).odd.problem(), null);
  });
});

describe('an entry that fails', () => {
  test('is left alone for a pause that doubles, told each time, and forgotten when it works', (t) => {
    const { odd, told, path } = listening(t);
    const time = elapsedTime(t);
    let isBroken = true;
    let tries = 0;
    const attempt = (): boolean =>
      odd.try(path, () => {
        tries++;
        if (isBroken) throw systemError('EPERM', 'rename');
      });

    for (const pauseMs of [1_000, 2_000, 4_000]) {
      assert.equal(attempt(), false);
      time.skip(pauseMs - 100);
      assert.equal(attempt(), false);
      time.skip(200);
    }
    assert.equal(tries, 3);
    assert.deepEqual(
      told.map((event) => event.kind === 'refused' && [event.name, event.againMs]),
      [1_000, 2_000, 4_000].map((ms) => ['delayed/odd', ms]),
    );

    isBroken = false;
    assert.equal(attempt(), true);
    isBroken = true;
    attempt();
    const last = told.at(-1);
    assert.equal(last?.kind === 'refused' && last.againMs, 1_000);
  });

  test('is never left alone for longer than five minutes', (t) => {
    const { odd, told, path } = listening(t);
    const time = elapsedTime(t);

    for (let i = 0; i < 12; i++) {
      odd.leaveAlone(path, systemError('EPERM', 'rename'));
      time.skip(300_000);
    }

    assert.equal(odd.isLeftAlone(path), false);
    const last = told.at(-1);
    assert.equal(last?.kind === 'refused' && last.againMs, 300_000);
  });

  test('is due once when its pause has ended', (t) => {
    const { odd, path } = listening(t);
    const time = elapsedTime(t);
    odd.leaveAlone(path, systemError('EPERM', 'rename'));

    assert.equal(odd.takeDue(), false);
    time.skip(1_001);
    assert.equal(odd.takeDue(), true);
    assert.equal(odd.takeDue(), false);
  });

  test('throws what is not its own trouble, and is not left alone for it', (t) => {
    const { odd, told, path } = listening(t);
    const full = systemError('ENOSPC', 'rename');

    assert.throws(
      () =>
        odd.try(path, () => {
          throw full;
        }),
      full,
    );

    assert.equal(odd.isLeftAlone(path), false);
    assert.deepEqual(told, []);
  });

  test('is told by its path where nobody knew which it was', (t) => {
    const { odd, told, path } = listening(t);
    const error = Object.assign(systemError('EPERM', 'rename'), { path });

    odd.complain(error);
    odd.complain(error);

    assert.deepEqual(
      told.map((event) => event.kind === 'refused' && event.name),
      ['delayed/odd'],
    );
  });
});

function listening(t: TestContext): {
  readonly odd: SpoolContext['odd'];
  readonly told: readonly BrokerEvent[];
  readonly path: string;
} {
  const { odd, layout } = tempContext(t);
  const told: BrokerEvent[] = [];
  odd.onEvent = (event) => void told.push(event);
  return { odd, told, path: `${layout.delayed}/odd` };
}
