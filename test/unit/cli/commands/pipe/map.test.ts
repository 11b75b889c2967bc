import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { COMMON_OPTIONS, parseLine } from '../../../../../src/cli/command.ts';
import { map } from '../../../../../src/cli/commands/pipe/map.ts';

async function mapWith(...line: readonly string[]): Promise<number> {
  const output = {
    isTTY: false,
    columns: null,
    hasColours: false,
    isClosed: false,
    caughtUp: () => null,
    write: () => undefined,
  };
  return map.run({
    ...parseLine(line, { ...map.options, ...COMMON_OPTIONS }),
    stdin: Readable.from([]),
    stdout: output,
    stderr: output,
    commands: {},
    env: {},
    version: '0',
    print: () => undefined,
    tell: () => undefined,
  });
}

test('what is wrong on the command line is told before anything is opened or sent', async () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['a b'], /^Expected a task name/],
    [['square', '--window', '0'], /--window to be a whole number from 1 to 100000/],
    [['square', '--key', ''], /^Expected --key to be a field/],
    [['square', '--run', ''], /^Expected --run to be a name/],
    [['square', '--run', 'x'.repeat(201)], /^Expected --run to be a name/],
    [['square', '--result-ttl', 'failed=1h'], /^Expected --result-ttl to be one time/],
    [['square', '--result-ttl', '0s'], /more than 0/],
    [['square', '--timeout', '5'], /a duration with its unit/],
    [['square', '--timeout', '0s'], /more than 0/],
    [['square', '--tasks', 'x.mjs'], /^Expected -c beside --tasks/],
    [['square', '--env', 'A'], /^Expected -c beside --env/],
    [['square', '--retries', '-1'], /--retries/],
    [['square', '--unique', '1h'], /^Unknown option --unique/],
    [['square', '--ignore-result'], /^Unknown option --ignore-result/],
  ];
  for (const [line, message] of cases)
    await assert.rejects(async () => mapWith('--spool', '/nowhere/to/be', ...line), { code: 'FSQ_USAGE', message });
});
