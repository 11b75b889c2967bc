import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { COMMANDS } from '../../../src/cli/main.ts';
import { commandText, GROUPS, overviewText, summaryOf } from '../../../src/cli/help.ts';
import { COMMON_OPTIONS } from '../../../src/cli/command.ts';
import { textWidth } from '../../../src/cli/terminal/width.ts';

const commands = await Promise.all(
  Object.entries(COMMANDS).map(async ([name, load]) => ({ name, command: await load() })),
);

describe('the help of', () => {
  for (const { name, command } of commands) {
    test(`${name} shows examples, then usage, then every option, within 130 columns`, () => {
      const text = commandText(command, COMMON_OPTIONS);

      assert.equal(command.name, name);
      assert.match(
        text,
        new RegExp(`^fsq ${name}: .+\n\nExamples:\n  .*fsq ${name}\\b(.|\n)+\nUsage: fsq ${name}\\b.*\n\nOptions:\n`),
      );
      for (const option of [...Object.keys(command.options), 'spool', 'help'])
        assert.match(text, new RegExp(`--${option}\\b.*\\S{2}`));
      for (const line of text.split('\n')) assert.ok(line.length <= 130, line);
    });

    test(`${name} keeps within a terminal of 60 columns, and says all it says elsewhere`, () => {
      const text = commandText(command, COMMON_OPTIONS, 60);

      const words = (of: string): readonly string[] => of.split(/\s+/).toSorted();
      assert.deepEqual(words(text), words(commandText(command, COMMON_OPTIONS)));
      for (const line of text.split('\n')) assert.ok(textWidth(line) <= 60, line);
    });

    test(`${name} has examples of what it accepts`, () => {
      for (const [line] of command.examples) assert.match(line, new RegExp(`\\bfsq ${name}\\b`));
    });
  }
});

test('the overview begins with examples and names every command', () => {
  const text = overviewText('1.2.3');

  assert.match(text, /^fsq 1\.2\.3: .*\n\nExamples:\n {2}fsq init/);
  for (const { name } of commands)
    assert.match(text, new RegExp(`^ {2}(?:\\w.*| +)\\b${name} +${summaryOf(name).slice(0, 20)}`, 'm'));
});

test('the overview fits on a screen, and each command stands in one of its groups', () => {
  const grouped = Object.values(GROUPS).flatMap((lines) => Object.keys(lines));

  assert.deepEqual(
    commands.map(({ name }) => name).filter((name) => grouped.filter((one) => one === name).length !== 1),
    [],
  );
  assert.ok(overviewText('1.2.3', 120).split('\n').length <= 50);
  for (const line of overviewText('1.2.3', 60).split('\n')) assert.ok(textWidth(line) <= 60, line);
});
