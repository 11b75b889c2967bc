import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe } from 'node:test';
import { OTHER_VARIABLES } from '../../src/app/settings/sources.ts';
import { SETTINGS } from '../../src/app/settings/settings-table.ts';
import { CHILD_MARK } from '../../src/broker/worker-side.ts';
import { EXIT } from '../../src/cli/exit.ts';
import { COMMANDS } from '../../src/cli/main.ts';
import { MAX_FILE_BYTES } from '../../src/spool/job-file/read.ts';
import { DIRECTORIES } from '../../src/spool/layout.ts';
import { REPOSITORY } from '../support/project.ts';

const CLI = read('docs/cli.md');

test('docs/cli.md has a row for every command and every exit code', () => {
  const commands = Object.keys(COMMANDS).filter((name) => !new RegExp(`^\\| \`fsq ${name}\\b`, 'm').test(CLI));
  const codes = Object.values(EXIT).filter((code) => !new RegExp(`^\\| ${code} +\\|`, 'm').test(CLI));

  assert.deepEqual({ commands, codes }, { commands: [], codes: [] });
});

describe('the settings on the pages are those of the table:', () => {
  /** What is true of these without a value stands on the pages in words of their own. */
  const inWords = new Set(['tasks', 'concurrency', 'env']);

  /** The rows of the table that begins with the head `Setting`, a list of cells each. */
  const rowsOf = (page: string): readonly (readonly string[])[] => {
    const [, table = ''] = /^\| Setting .*\n\|[ |-]*\n((?:\|.*\n)+)/m.exec(page) ?? [];
    return table
      .trimEnd()
      .split('\n')
      .map((line) => line.split('|').slice(1, -1))
      .map((cells) => cells.map((cell) => cell.trim()));
  };

  /** How the cell of a default begins: with the value, or with 'none'. */
  const beginningOf = (value: unknown): RegExp => {
    if (typeof value === 'string') return new RegExp(`^\`'?${value}'?\``);
    return typeof value === 'boolean' || typeof value === 'number' ? new RegExp(`^\`${value}\``) : /^none/;
  };

  for (const [name, page, hasOptions] of [
    ['docs/cli.md', CLI, true],
    ['README.md', read('README.md'), false],
  ] as const) {
    test(`in ${name}: names, variables, ${hasOptions ? 'options, ' : ''}defaults`, () => {
      const rows = rowsOf(page);

      const names = rows.map(([setting = '']) => setting.replaceAll('`', ''));
      assert.deepEqual(names.toSorted(), Object.keys(SETTINGS).toSorted());
      for (const [key, { variable, option, short, default: usual, inProduction }] of Object.entries(SETTINGS)) {
        const [, variableCell = '', ...others] = rows[names.indexOf(key)] ?? [];
        assert.equal(/`(FSQ_\w+)`/.exec(variableCell)?.[1], variable, key);
        const text = others.at(-1) ?? '';
        if (!inWords.has(key)) assert.match(text, beginningOf(usual), key);
        if (inProduction !== undefined) assert.match(text, new RegExp(`\`${String(inProduction)}\`.*production`), key);
        if (!hasOptions) continue;
        const told = [...(others[0] ?? '').matchAll(/`--?([\w-]+)`/g)].map(([, one]) => one);
        assert.deepEqual(
          told,
          [short, option].filter((one) => one !== undefined),
          key,
        );
      }
    });
  }

  test('in docs/cli.md: the variables that are no settings, in a table of their own', () => {
    const [, table = ''] = /^\| Variable .*\n\|[ |-]*\n((?:\|.*\n?)+)/m.exec(CLI) ?? [];

    const told = [...table.matchAll(/^\| `(FSQ_\w+)/gm)].map(([, name]) => name);
    const known = Object.keys(OTHER_VARIABLES).filter((name) => name !== CHILD_MARK);
    assert.deepEqual(told.toSorted(), known.toSorted());
  });

  test('in the comments of Config, which editors show: variables and defaults', () => {
    const source = read('src/app/settings/config.ts');

    for (const [key, { variable, default: usual }] of Object.entries(SETTINGS)) {
      const [, comment = ''] = new RegExp(`/\\*\\*(.*)\\*/\\n {2}readonly ${key}\\?:`).exec(source) ?? [];
      assert.equal(/\bFSQ_\w+/.exec(comment)?.[0], variable, `${key}: ${comment}`);
      if (typeof usual === 'string' || typeof usual === 'boolean')
        assert.match(comment, new RegExp(`Default:? ['\`]?${usual}\\b`), key);
    }
  });

  test('in the helps of options, whose defaults are told where there is one', () => {
    for (const { help, default: usual } of Object.values(SETTINGS)) {
      if (help === undefined || typeof usual !== 'string') continue;
      assert.match(help, new RegExp(`\\(default: ${usual}\\)`));
    }
  });
});

test('docs/tasks.md names the code of every error', () => {
  const codes = [...new Set(read('src/job/errors.ts').match(/'FSQ_[A-Z_]+'/g))].map((code) => code.slice(1, -1));

  assert.ok(codes.length > 20, `found ${codes.join(', ')}`);
  assert.deepEqual(
    codes.filter((code) => !read('docs/tasks.md').includes(`\`${code}\``)),
    [],
  );
});

test('docs/spool-format.md and spool/README.md name every directory of a spool, and the format its limits', () => {
  const format = read('docs/spool-format.md');

  for (const page of [format, read('spool/README.md')]) {
    assert.deepEqual(
      DIRECTORIES.filter((name) => !page.includes(`${name}/`)),
      [],
    );
  }
  assert.ok(
    format.includes(`${MAX_FILE_BYTES.toLocaleString('en-US')} bytes`),
    `the largest file has ${MAX_FILE_BYTES} bytes`,
  );
});

function read(page: string): string {
  return readFileSync(join(REPOSITORY, page), 'utf8');
}
