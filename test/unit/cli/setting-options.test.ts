/** Options as settings: every one that the table has, and what is told of a wrong one. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Config } from '../../../src/app/settings/config.ts';
import { type Given, SETTINGS } from '../../../src/app/settings/settings-table.ts';
import { COMMON_OPTIONS, parseLine } from '../../../src/cli/command.ts';
import { givenByOptions, settingOption, settingOptions } from '../../../src/cli/setting-options.ts';

const KEYS = Object.keys(SETTINGS) as (keyof Config)[];
const OPTIONS = { ...settingOptions(...KEYS), ...COMMON_OPTIONS };

const given = (...line: readonly string[]): Given => givenByOptions(parseLine(line, OPTIONS).values);

test('every option of the table is one that a command can have, with its name, its words and how often it may come', () => {
  const names = Object.values(SETTINGS).flatMap(({ option }) => option ?? []);

  assert.deepEqual(
    names.filter((name) => !Object.hasOwn(OPTIONS, name)),
    [],
  );
  assert.deepEqual(settingOption('import', 'first'), {
    import: { type: 'string', short: undefined, among: undefined, multiple: true, value: 'MODULE', help: 'first' },
  });
  assert.deepEqual(settingOption('allowNetworkFs', 'on NFS'), {
    'allow-network-fs': {
      type: 'boolean',
      short: undefined,
      among: undefined,
      multiple: false,
      value: undefined,
      help: 'on NFS',
    },
  });
  assert.deepEqual(settingOption('resultTtl'), {});
});

const RIGHT: readonly (readonly [line: readonly string[], settings: Given])[] = [
  [[], {}],
  [['--spool', 'x'], { spool: 'x' }],
  [['--tasks', 'a,b.ts', '--tasks', 'c.ts'], { tasks: ['a,b.ts', 'c.ts'] }],
  [['--import', '/x.mjs', '--import', 'tsx'], { imports: ['file:///x.mjs', 'tsx'] }],
  [['-l', 'debug'], { logLevel: 'debug' }],
  [['--allow-network-fs'], { allowNetworkFs: true }],
  [['--allow-unsafe'], { allowUnsafe: true }],
  [['-c', '512'], { concurrency: 512 }],
  [['--allow-exec'], { allowExec: true }],
  [['--slots', '1000'], { slots: 1_000 }],
  [['--time-limit', '5m', '--soft-time-limit', '4m'], { timeLimitMs: 300_000, softTimeLimitMs: 240_000 }],
  [['--max-tasks-per-child', '9'], { maxTasksPerChild: 9 }],
  [['--max-memory-per-child', '1KB'], { maxMemoryPerChildBytes: 1_024 }],
  [['--shutdown-timeout', '250ms'], { shutdownTimeoutMs: 250 }],
  [['--env', 'A, B', '--env', 'C'], { env: ['A', 'B', 'C'] }],
  [['--env', ''], { env: [] }],
];

for (const [line, settings] of RIGHT) {
  test(`the options ${line.join(' ') || 'of an empty line'} give these settings and no other`, () => {
    assert.deepEqual(given(...line), settings);
  });
}

test('no option of the table is missing among these', () => {
  const set = new Set(RIGHT.flatMap(([, settings]) => Object.keys(settings)));

  const withOption = Object.values(SETTINGS).filter(({ option }) => option !== undefined);
  assert.deepEqual(withOption.map(({ field }) => field).toSorted(), [...set].toSorted());
});

describe('a wrong one is told by the name of its option, as wrong usage:', () => {
  const cases: readonly (readonly [line: readonly string[], message: string])[] = [
    [
      ['--spool', ''],
      '--spool to be a directory\'s path, without control characters and without white space at its ends, got ""',
    ],
    [['-l', 'loud'], '--log-level to be one of debug, info, warn, error, silent, got "loud"'],
    [['--slots', '0'], '--slots to be a whole number from 1 to 1000, got "0"'],
    [['-c', '513'], '--concurrency to be a whole number from 1 to 512, got "513"'],
    [['--time-limit', '5'], '--time-limit to be a duration with its unit, such as 250ms, 3s, 5m, 2h or 1d, got "5"'],
    [['--soft-time-limit', '0s'], '--soft-time-limit to be more than 0, got "0s"'],
    [['--shutdown-timeout', '0s'], '--shutdown-timeout to be more than 0, got "0s"'],
    [
      ['--max-memory-per-child', '200'],
      '--max-memory-per-child to be a size with its unit, such as 512KB, 200MB or 2GB, got "200"',
    ],
    [['--env', 'A=1'], `--env to be an array of names of variables, without '=', got an array of 1`],
    [
      ['--soft-time-limit', '5m', '--time-limit', '5m'],
      '--soft-time-limit to be shorter than --time-limit, got 300000 ms and 300000 ms: a job would be killed before it is asked to end',
    ],
  ];
  for (const [line, message] of cases) {
    test(line.join(' '), () => {
      assert.throws(() => given(...line), { code: 'FSQ_USAGE', message: `Expected ${message}` });
    });
  }
});
