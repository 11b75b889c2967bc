import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Command, OptionSpec } from '../../../../../src/cli/command.ts';
import { argumentsOf, kindOf, spoolIn, spotIn } from '../../../../../src/cli/commands/completion/spot.ts';
import { COMMANDS } from '../../../../../src/cli/main.ts';

describe('every value of a command', () => {
  for (const [name, load] of Object.entries(COMMANDS))
    test(`of fsq ${name} is of a kind that can be completed, or of a list`, async () => {
      const { options, usage, args } = await load();

      const unknown = Object.entries(options)
        .filter(([, spec]) => spec.type === 'string' && spec.among === undefined && kindOf(spec.value ?? '') === null)
        .map(([option, { value }]) => `--${option} ${value}`);
      const words = (usage.split(' | ')[0] ?? '').split(' ').slice(2);
      const places = words.flatMap((word) =>
        word === '[options]'
          ? []
          : word
              .replace(/[[\]…]/g, '')
              .split('|')
              .filter((one) => !one.startsWith('-')),
      );
      const unnamed = places.filter((word) => !/^[a-z]/.test(word) && kindOf(word) === null);
      assert.deepEqual([...unknown, ...unnamed], [], 'see the words of src/cli/commands/completion/spot.ts');
      if (places.length > 0) assert.ok((args?.most ?? 0) > 0, `${usage} takes arguments`);
      if ((args?.least ?? 0) > 0) assert.notEqual(places.length, 0, `${usage} does not name its arguments`);
    });
});

const OPTIONS: Readonly<Record<string, OptionSpec>> = {
  json: { type: 'boolean', help: 'JSON' },
  quiet: { type: 'boolean', short: 'q', help: 'quiet' },
  count: { type: 'string', short: 'c', value: 'N', help: 'how many' },
  task: { type: 'string', value: 'TASKS', multiple: true, help: 'of these tasks' },
  state: { type: 'string', short: 's', value: 'STATE', among: ['failed', 'running'], help: 'in this state' },
  out: { type: 'string', value: 'FILE', help: 'there' },
};

const COMMAND: Pick<Command, 'usage' | 'args'> = {
  usage: 'fsq call TASK [ARG…] [options]',
  args: { least: 1, most: Number.POSITIVE_INFINITY },
};

const spot = (
  words: readonly string[],
  command: Pick<Command, 'usage' | 'args'> = COMMAND,
): ReturnType<typeof spotIn> => spotIn(words, command, OPTIONS);

describe('at the end of a line', () => {
  for (const [line, before, typed, value] of [
    [[''], '', '', { kind: 'task' }],
    [['se'], '', 'se', { kind: 'task' }],
    [['send', ''], '', '', { kind: 'text' }],
    [['send', '1', '2', ''], '', '', { kind: 'text' }],
    [['--count', ''], '', '', { kind: 'text' }],
    [['-c', ''], '', '', { kind: 'text' }],
    [['-qc', ''], '', '', { kind: 'text' }],
    [['-c4', ''], '', '', { kind: 'task' }],
    [['-q', ''], '', '', { kind: 'task' }],
    [['--count=4', ''], '', '', { kind: 'task' }],
    [['--out', 'a/'], '', 'a/', { kind: 'file' }],
    [['--out=a/'], '--out=', 'a/', { kind: 'file' }],
    [['--task', 'a,b'], 'a,', 'b', { kind: 'task' }],
    [['--task=a,'], '--task=a,', '', { kind: 'task' }],
    [['-s', 'fa'], '', 'fa', { among: ['failed', 'running'] }],
    [['--state=fa'], '--state=', 'fa', { among: ['failed', 'running'] }],
    [['--nothing=fa'], '--nothing=', 'fa', null],
    [['--js'], '', '--js', null],
    [['--', '--js'], '', '--js', { kind: 'task' }],
    [['--', 'send', '-'], '', '-', { kind: 'text' }],
    [['-'], '', '-', null],
    [['-5', ''], '', '', { kind: 'task' }],
  ] as const)
    test(line.join(' '), () => {
      const found = spot(line);

      assert.deepEqual({ before: found.before, typed: found.typed, value: found.value }, { before, typed, value });
    });

  test('options are offered that are not given yet, or may be given again', () => {
    const names = (words: readonly string[]): readonly string[] => spot(words).options.map(([name]) => name);

    assert.deepEqual(names(['-']), ['json', 'quiet', 'count', 'task', 'state', 'out']);
    assert.deepEqual(names(['--json', '-qc4', '--task', 'a', '-s', 'failed', '--']), ['task', 'out']);
    assert.deepEqual(names(['--out', '-']), [], 'that is the value of --out');
  });

  test('options are offered where nothing else has to come, too', () => {
    const none = { usage: 'fsq ls [options]' };

    assert.equal(spot([''], none).options.length, 6);
    assert.equal(spot([''], none).value, null);
    assert.equal(spot(['x'], none).options.length, 0);
    assert.equal(spot([''], COMMAND).options.length, 0);
    assert.equal(spot(['send', ''], COMMAND).options.length, 6);
    assert.equal(spot(['--', ''], none).options.length, 0);
  });

  test('nothing stands where no argument is taken any more', () => {
    const one = { usage: 'fsq get ID [options]', args: { least: 1, most: 1 } };

    assert.deepEqual(spot([''], one).value, { kind: 'job' });
    assert.equal(spot(['0199', ''], one).value, null);
  });
});

test('arguments are what the usage calls them', () => {
  const args = { least: 1, most: 9 };

  assert.deepEqual(argumentsOf({ usage: 'fsq retry ID… [options] | fsq retry --state STATE', args }), [
    { kind: 'job' },
  ]);
  assert.deepEqual(argumentsOf({ usage: 'fsq wait ID…|--all [options]', args }), [{ kind: 'job' }]);
  assert.deepEqual(argumentsOf({ usage: 'fsq schedule list|run [SCHEDULE…]', args }), [
    { among: ['list', 'run'] },
    { kind: 'schedule' },
  ]);
  assert.deepEqual(argumentsOf({ usage: 'fsq status [options]' }), []);
});

test('the spool is that of the last --spool', () => {
  assert.equal(spoolIn(['--json', '']), undefined);
  assert.equal(spoolIn(['--spool', 'a', '--spool=b c', '']), 'b c');
  assert.equal(spoolIn(['--spool', 'a', '']), 'a');
  assert.equal(spoolIn(['--spool']), undefined);
  assert.equal(spoolIn(['--spool', '/a']), undefined, 'it is not finished');
  assert.equal(spoolIn(['--', '--spool', 'a', '']), undefined);
});
