import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { callsIn, keyPath, type MapRun, nameOfRun } from '../../../../../src/cli/commands/pipe/identity.ts';
import type { BadLine } from '../../../../../src/cli/commands/pipe/json-lines.ts';
import type { MapCall } from '../../../../../src/cli/commands/pipe/mapping.ts';
import { isMapRunName, isScheduleName } from '../../../../../src/broker/schedules.ts';

const RUN: MapRun = { task: 'resize', name: '', doneMs: null };

async function callsOf(texts: readonly string[], run: MapRun = RUN, key?: string): Promise<(MapCall | BadLine)[]> {
  async function* lines() {
    yield texts.map((text, i) => ({ number: i + 1, text }));
  }
  const found: (MapCall | BadLine)[] = [];
  for await (const calls of callsIn(lines(), run, keyPath(key))) found.push(...calls);
  return found;
}

async function identityOf(text: string, run: MapRun = RUN, key?: string): Promise<string> {
  const [call] = await callsOf([text], run, key);
  assert.ok(call !== undefined && 'identity' in call);
  return call.identity;
}

describe('the job of a line', () => {
  test('is that of its number and its text, in the same run', async () => {
    const calls = await callsOf(['[1]', '[1]', '[2]']);
    const again = await callsOf(['[1]', '[1]', '[2]']);

    assert.deepEqual(calls, again);
    assert.equal(new Set(calls.map((call) => 'identity' in call && call.identity)).size, 3);
  });

  test('is another in a run of another name, or after the end of one', async () => {
    const identities = [
      await identityOf('[1]'),
      await identityOf('[1]', { ...RUN, name: 'a' }),
      await identityOf('[1]', { ...RUN, doneMs: 1 }),
      await identityOf('[1]', { ...RUN, doneMs: 2 }),
    ];

    assert.equal(new Set(identities).size, 4);
  });

  test('is that of its key alone where it has one, wherever the line stands and whatever else it holds', async () => {
    const [a, b, c] = await callsOf(['{"id":7,"n":1}', '[{"n":2,"id":7}]', '{"id":"7"}'], RUN, 'id');

    assert.ok(a && b && c && 'identity' in a && 'identity' in b && 'identity' in c);
    assert.equal(a.identity, b.identity);
    assert.notEqual(a.identity, c.identity);
    assert.deepEqual([a.key, c.key], [7, '7']);
  });

  test('has a key by the path of a field, or by the number of an argument', async () => {
    const keys = [
      await callsOf(['{"user":{"id":5}}'], RUN, 'user.id'),
      await callsOf(['["a","b"]'], RUN, '1'),
      await callsOf(['["a",{"id":"c"}]'], RUN, '1.id'),
      await callsOf(['"plain"'], RUN, '0'),
    ].flatMap(([call]) => (call !== undefined && 'key' in call ? [call.key] : []));

    assert.deepEqual(keys, [5, 'b', 'c', 'plain']);
  });
});

describe('a line is refused, with its number,', () => {
  const refused = async (text: string, key?: string): Promise<string> => {
    const [call] = await callsOf([text], RUN, key);
    assert.ok(call !== undefined && 'problem' in call, `${text} is not refused`);
    return call.problem.message;
  };

  test('when it is no JSON, or holds a number that would arrive as another', async () => {
    assert.match(await refused('Ada'), /^Expected line 1 to be JSON, .*got "Ada"; `jq -R \.`/);
    assert.match(await refused('[9007199254740993]'), /line 1 has the number 9007199254740993/);
  });

  test('when it has no such key, and never by what an object inherits', async () => {
    assert.match(await refused('{"a":1}', 'id'), /^Expected line 1 to have the key "id", got none$/);
    assert.match(await refused('{"id":null}', 'id'), /got null$/);
    assert.match(await refused('{}', 'constructor'), /got none$/);
    assert.match(await refused('[]', '0'), /got none$/);
  });
});

test('--key is a path of names', () => {
  assert.equal(keyPath(undefined), null);
  for (const wrong of ['', '.', 'a.', '.a', 'a..b'])
    assert.throws(() => keyPath(wrong), { code: 'FSQ_USAGE', message: /^Expected --key to be a field/ });
});

test('the name of a run is none of a schedule, and any name of a run or task becomes one', () => {
  const names = [
    nameOfRun(RUN),
    nameOfRun({ task: 'resize', name: '../x' }),
    nameOfRun({ task: 'resize/x', name: '' }),
  ];

  assert.ok(names.every(isMapRunName));
  assert.ok(!names.some(isScheduleName));
  assert.equal(new Set(names).size, 3);
});
