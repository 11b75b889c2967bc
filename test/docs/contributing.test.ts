import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { SPOOL_FLOORS } from '../support/architecture.ts';
import { REPOSITORY } from '../support/project.ts';

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

const CONTRIBUTING = readFileSync(join(REPOSITORY, 'CONTRIBUTING.md'), 'utf8');

test('the map has a line for each folder of src/spool, from the ground up', () => {
  const folders = readdirSync(join(REPOSITORY, 'src/spool'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);

  const [, map = ''] = /Each folder may import those above it:\n\n```text\n([^`]*)```/.exec(CONTRIBUTING) ?? [];

  const drawn = [...map.matchAll(/^([\w-]+)\/ /gm)].map((match) => match[1] ?? '');
  assert.deepEqual(drawn.toSorted(), folders.toSorted());
  assert.deepEqual(drawn, [...SPOOL_FLOORS]);
});

test('a job goes through as many files as the text says, and each is listed once', () => {
  const files = [...CONTRIBUTING.matchAll(/^\| +(\d+) +\| `(src\/[^`]+)`/gm)].map((match) => match[2] ?? '');

  const [, told] = /go through (\d+) files from/.exec(CONTRIBUTING) ?? [];

  assert.equal(files.length, Number(told));
  assert.equal(new Set(files).size, files.length);
});
