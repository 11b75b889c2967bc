import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
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
