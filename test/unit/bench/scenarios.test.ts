import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { SCENARIOS } from '../../../bench/scenarios/index.mjs';
import { REPOSITORY } from '../../support/project.ts';

const FULL = { isQuick: false, jobs: null, seconds: null, redisPort: null, redisMissing: 'none' };

test('each scenario has a name of its own', () => {
  const names = SCENARIOS.map(({ name }) => name);

  assert.equal(new Set(names).size, names.length);
});

for (const scenario of SCENARIOS) {
  test(`each target of '${scenario.name}' speaks of contestants that take part`, () => {
    const names = scenario.contestants(FULL).map(({ name }) => name);

    const strangers = scenario.targets
      .flatMap(({ of, to = [] }) => [of, to].flat())
      .filter((name) => !names.includes(name));

    assert.equal(new Set(names).size, names.length, 'two contestants have one name');
    assert.deepEqual(strangers, []);
  });

  test(`the programs of '${scenario.name}' are there`, () => {
    const files = scenario.contestants(FULL).map(({ file }) => join(REPOSITORY, 'bench', file));

    assert.deepEqual(
      files.filter((file) => !existsSync(file)),
      [],
    );
  });

  test(`each target of '${scenario.name}' has a limit`, () => {
    for (const { text, atLeast, atMost } of scenario.targets) assert.ok((atLeast ?? atMost) !== undefined, text);
  });
}

test('the short form asks for no other queue', () => {
  const short = SCENARIOS.filter(({ isQuick }) => isQuick === true);

  const kinds = short.flatMap((scenario) => scenario.contestants({ ...FULL, isQuick: true }).map(({ kind }) => kind));

  assert.ok(short.length > 2);
  assert.deepEqual([...new Set(kinds)].toSorted(), ['fsq', 'limit']);
});
