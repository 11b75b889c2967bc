import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withSpoolOption } from '../../../src/job/text.ts';
import {
  COMMON_OPTIONS,
  duration,
  parseLine,
  size,
  someTime,
  spoolOption,
  wholeNumber,
} from '../../../src/cli/command.ts';

const SPECS = {
  timeout: { type: 'string', value: 'TIME', help: '' },
  header: { type: 'string', multiple: true, help: '' },
  wait: { type: 'boolean', short: 'w', help: '' },
} as const;

test('options and arguments may be mixed', () => {
  const { values, args } = parseLine(
    ['add', '-w', '1', '--timeout', '3s', '2', '--header', 'a=1', '--header=b=2'],
    SPECS,
  );

  assert.deepEqual(args, ['add', '1', '2']);
  assert.equal(values.flag('wait'), true);
  assert.equal(values.text('timeout'), '3s');
  assert.deepEqual(values.list('header'), ['a=1', 'b=2']);
});

test('what was not given is false, undefined or empty', () => {
  const { values } = parseLine([], SPECS);

  assert.deepEqual([values.flag('wait'), values.text('timeout'), values.list('header')], [false, undefined, []]);
});

test('a negative number is an argument, also as the value of an option; after -- everything is', () => {
  const { values, args } = parseLine(['-1', '-.5', '--timeout', '-3', '--', '-w', '-2'], SPECS);

  assert.deepEqual(args, ['-1', '-.5', '-w', '-2']);
  assert.equal(values.text('timeout'), '-3');
  assert.equal(values.flag('wait'), false);
});

describe('a wrong option is named', () => {
  test('with the nearest one', () => {
    assert.throws(() => parseLine(['--timeuot', '3s'], SPECS), {
      code: 'FSQ_USAGE',
      message: /--timeuot; did you mean --timeout\?/,
    });
  });

  test('without a hint when none is near', () => {
    assert.throws(() => parseLine(['-z'], SPECS), {
      code: 'FSQ_USAGE',
      message: /^Unknown option -z\b(?!.*did you mean)/,
    });
  });

  const cases: readonly [string, readonly string[], string][] = [
    [
      'when its value is missing',
      ['--timeout'],
      'Expected a value for --timeout, as in --timeout TIME. One that begins with - is written --timeout=-….',
    ],
    [
      'when an option stands in place of its value',
      ['--timeout', '-w'],
      'Expected a value for --timeout, as in --timeout TIME. One that begins with - is written --timeout=-….',
    ],
    ['when it takes none', ['--wait=1'], 'Expected --wait alone: it takes no value.'],
    [
      'in sentences that end',
      ['--zzzzzz'],
      'Unknown option --zzzzzz. An argument that begins with - goes after --; --help lists all options.',
    ],
  ];
  for (const [when, line, message] of cases) {
    test(when, () => {
      assert.throws(() => parseLine(line, SPECS), { code: 'FSQ_USAGE', message });
    });
  }
});

test('a whole number is checked against its range', () => {
  assert.equal(wholeNumber('9', 'priority', 0, 9), 9);
  assert.equal(wholeNumber(undefined, 'priority', 0, 9), undefined);
  for (const text of ['10', '-1', '1.5', '1e0', '0x1', '', ' 1'])
    assert.throws(() => wholeNumber(text, 'priority', 0, 9), /Expected --priority to be a whole number from 0 to 9/);
});

test('a duration needs its unit: a bare number could be seconds or milliseconds', () => {
  assert.equal(duration('1.5s', 'timeout'), 1500);
  assert.equal(duration('0ms', 'timeout'), 0);
  for (const text of ['10', '', '-1s', '5 s', '1w'])
    assert.throws(() => duration(text, 'timeout'), /Expected --timeout to be a duration with its unit/);
});

test('a time after which something is done is more than nothing', () => {
  assert.equal(someTime('250ms', 'time-limit'), 250);
  assert.equal(someTime(undefined, 'time-limit'), undefined);
  for (const text of ['0s', '-1s', '5'])
    assert.throws(
      () => someTime(text, 'time-limit'),
      /Expected --time-limit to be (more than 0|a duration with its unit)/,
    );
});

test('a size needs its unit', () => {
  assert.equal(size('1KB', 'max-memory-per-child'), 1_024);
  for (const text of ['200', '0MB', '200M'])
    assert.throws(
      () => size(text, 'max-memory-per-child'),
      /Expected --max-memory-per-child to be a size with its unit/,
    );
});

const optionOf = (...line: readonly string[]): string => spoolOption(parseLine(line, COMMON_OPTIONS).values);

test('the option is given as a shell reads it, and nothing where it was not given', () => {
  assert.equal(optionOf('--spool', '/srv/a-b_c.d'), ' --spool /srv/a-b_c.d');
  assert.equal(optionOf('--spool', "my 'jobs'"), ` --spool 'my '\\''jobs'\\'''`);
  assert.equal(optionOf('--spool', "a\u202e'\\b"), ` --spool $'a\\u202e\\'\\\\b'`, 'bash and zsh read it back');
  assert.equal(optionOf(), '');
});

test('it goes behind each command of a message that names no spool', () => {
  const text =
    'Start one: `fsq worker -Q a`, or `fsq worker --spool /x`. `fsq get 01` waits; `fsq help` lists, `ulimit -f` not.';

  assert.equal(
    withSpoolOption(text, ' --spool /y'),
    'Start one: `fsq worker -Q a --spool /y`, or `fsq worker --spool /x`. `fsq get 01 --spool /y` waits; `fsq help` lists, `ulimit -f` not.',
  );
  assert.equal(withSpoolOption(text, ''), text);
  const move = 'Go on: `fsq migrate --from /x --to /y`.';
  assert.equal(withSpoolOption(move, ' --spool /y'), move, 'it names both places');
});
