import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { SCENARIOS } from '../../../bench/scenarios/index.mjs';
import { REPOSITORY } from '../../support/project.ts';

const FULL = { isQuick: false, jobs: null, seconds: null, redis: { inMemory: { port: 1 }, durable: { port: 2 } } };

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

  test(`each cell of the table of all queues is a contestant of '${scenario.name}'`, () => {
    const names = scenario.contestants(FULL).map(({ name }) => name);

    const cells = (scenario.rows ?? []).flatMap((row) => Object.values(row.cells));

    assert.deepEqual(
      cells.filter((name) => !names.includes(name)),
      [],
    );
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

test('the scenarios of fsq with fsync come first, and their peers are as safe in each of them', () => {
  const durable = SCENARIOS.filter(({ name }) => name.startsWith('durable-'));

  const options = durable.flatMap((scenario) =>
    scenario.contestants(FULL).flatMap((each) => (each.kind === 'peer' ? [each.options] : [])),
  );

  assert.deepEqual(SCENARIOS.slice(0, durable.length), durable);
  assert.ok(options.length > 20);
  for (const { durable: isDurable, redisPort } of options) assert.deepEqual([isDurable, redisPort], [true, 2]);
});

test('the other scenarios have peers in memory', () => {
  const others = SCENARIOS.filter(({ name }) => !name.startsWith('durable-'));

  const ports = others.flatMap((scenario) =>
    scenario.contestants(FULL).flatMap((each) => (each.kind === 'peer' ? [each.options['redisPort']] : [])),
  );

  assert.deepEqual([...new Set(ports)], [1]);
});

test('the short form asks for no other queue', () => {
  const short = SCENARIOS.filter(({ isQuick }) => isQuick === true);

  const kinds = short.flatMap((scenario) => scenario.contestants({ ...FULL, isQuick: true }).map(({ kind }) => kind));

  assert.ok(short.length > 2);
  assert.deepEqual([...new Set(kinds)].toSorted(), ['fsq', 'limit']);
});
