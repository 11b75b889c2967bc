import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { REPOSITORY } from '../support/project.ts';

const MAX_READING_LINES = 1_000;
const TEXT = readFileSync(join(REPOSITORY, 'CONTRIBUTING.md'), 'utf8');

test("a newcomer's reading order stays under a thousand lines", (t) => {
  const files = [...TEXT.matchAll(/^\d+\. `([^`]+)`/gm)].map((match) => match[1] ?? '');

  const lines = files.map((file) => readFileSync(join(REPOSITORY, file), 'utf8').split('\n').length - 1);

  const total = lines.reduce((sum, count) => sum + count, 0);
  t.diagnostic(`${files.length} files, ${total} lines`);
  assert.equal(files.length, 9);
  assert.ok(total < MAX_READING_LINES, `${total} lines: ${files.map((file, i) => `${file} ${lines[i]}`).join(', ')}`);
});

for (const page of ['CONTRIBUTING.md', 'README.md', 'docs/cli.md', 'docs/tasks.md', 'docs/spool-format.md']) {
  test(`each path of the repository that ${page} names is there`, () => {
    const text = readFileSync(join(REPOSITORY, page), 'utf8');

    const named = [...text.matchAll(/`((?:src|test|scripts|examples|bin|docs)\/[\w./-]+\.\w+)`/g)].map(
      (match) => match[1] ?? '',
    );

    assert.deepEqual(
      named.filter((path) => !existsSync(join(REPOSITORY, path))),
      [],
    );
  });
}
