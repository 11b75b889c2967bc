/** The list of mutants must fit the sources, or `npm run mutants` would prove nothing. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { MUTANTS } from '../../scripts/mutants/list.mjs';
import { REPOSITORY } from '../support/project.ts';

for (const { name, file, find, replace, test: path } of MUTANTS) {
  test(`the mutant "${name}" still has its place in the sources, and its test`, () => {
    const places = readFileSync(join(REPOSITORY, file), 'utf8').split(find).length - 1;

    assert.equal(places, 1, `${file} has ${places} places for it`);
    assert.notEqual(find, replace);
    assert(existsSync(join(REPOSITORY, path)), `${path} does not exist`);
  });
}

test('the table in docs/reliability.md lists the same mutants with the same tests', () => {
  const page = readFileSync(join(REPOSITORY, 'docs/reliability.md'), 'utf8');
  const rows = [...page.matchAll(/^\| ([^|]+?) +\| `(test\/[^`|]+\.test\.ts)` +\|$/gm)].map(([, name, path]) => [
    name,
    path,
  ]);

  assert.deepEqual(
    rows,
    MUTANTS.map(({ name, test: path }) => [name, path]),
  );
});
