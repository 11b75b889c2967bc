/** The end of a log, which is all that somebody reads who looks at it again and again. */
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { logText } from '../../../../src/job/values/log-lines.ts';
import { readLogEnd } from '../../../../src/spool/beside/read-log.ts';
import type { SpoolContext } from '../../../../src/spool/disk/context.ts';
import { type Files, nodeFiles } from '../../../../src/spool/disk/files.ts';
import { tempContext } from '../../../support/context.ts';
import { nextId } from '../../../support/factory.ts';

const MB = 1024 * 1024;

interface Scene {
  readonly context: SpoolContext;
  readonly id: string;
  readonly path: string;
  /** Bytes that were read. */
  readonly read: () => number;
}

function scene(t: TestContext): Scene {
  let bytes = 0;
  const files: Files = {
    ...nodeFiles,
    read: (fd, length, ...rest) => {
      bytes += length;
      return nodeFiles.read(fd, length, ...rest);
    },
  };
  const context = tempContext(t, { files });
  const id = nextId();
  return { context, id, path: join(context.layout.logs, `${id}.log`), read: () => bytes };
}

const lineOf = (text: string): string => `${logText({ atMs: 1_000, stream: 'stdout', text })}\n`;

test('of a log of 50 MB no more than 256 KB are read, and its last lines come whole', (t) => {
  const { context, id, path, read } = scene(t);
  writeFileSync(path, '', { mode: 0o600 });
  truncateSync(path, 50 * MB);
  const texts = Array.from({ length: 9_000 }, (_, i) => `€ ${i}`);
  appendFileSync(path, `\n${texts.map(lineOf).join('')}${lineOf('not whole').slice(0, -1)}`);

  const { lines, isWhole } = readLogEnd(context, id);

  assert.equal(isWhole, false);
  assert.equal(read(), MB / 4);
  assert.ok(lines.length > 5_000, `${lines.length} lines`);
  assert.deepEqual(
    lines.map(({ text }) => text),
    texts.slice(-lines.length),
  );
});

test('a short log is its own end', (t) => {
  const { context, id, path } = scene(t);
  writeFileSync(path, `${lineOf('one')}garbage\n${lineOf('two')}${lineOf('not whole').slice(0, -1)}`, { mode: 0o600 });

  const { lines, isWhole } = readLogEnd(context, id);

  assert.deepEqual([lines.map(({ text }) => text), isWhole], [['one', 'two'], true]);
});

test('where nothing was printed, and where a link or a folder lies there, there are no lines', (t) => {
  const { context, id, path } = scene(t);
  const none = { lines: [], isWhole: true };
  writeFileSync(join(context.layout.root, 'target'), lineOf('secret'));
  symlinkSync(join(context.layout.root, 'target'), path);
  const folder = nextId();
  mkdirSync(join(context.layout.logs, `${folder}.log`));

  assert.deepEqual(
    [id, folder, nextId()].map((one) => readLogEnd(context, one)),
    [none, none, none],
  );
});
