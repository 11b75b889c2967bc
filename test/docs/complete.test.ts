import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { COMMANDS } from '../../src/cli/commands.ts';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { DEFAULT_MAX_BYTES } from '../../src/spool/context.ts';
import { DIRECTORIES } from '../../src/spool/layout.ts';
import { REPOSITORY } from '../support/project.ts';

const CLI = read('docs/cli.md');

test('docs/cli.md has a row for every command and every exit code', () => {
  const commands = Object.keys(COMMANDS).filter((name) => !new RegExp(`^\\| \`fsq ${name}\\b`, 'm').test(CLI));
  const codes = Object.values(EXIT).filter((code) => !new RegExp(`^\\| ${code} +\\|`, 'm').test(CLI));

  assert.deepEqual({ commands, codes }, { commands: [], codes: [] });
});

test('docs/cli.md and the README have a row for every setting, with its variable if there is one', () => {
  const source = read('src/app/settings.ts');
  const config = source.slice(source.indexOf('export interface Config'), source.indexOf('export interface Settings'));
  const settings = [...config.matchAll(/\/\*\*(.*)\*\/\n {2}readonly (\w+)\?:/g)].map(
    ([, comment = '', name = '']) => ({
      name,
      variable: /\bFSQ_[A-Z_]+\b/.exec(comment)?.[0] ?? null,
    }),
  );
  const variables = [...new Set(source.match(/\bFSQ_(?!CONFIG|NO_TASKS)[A-Z_]+\b/g))];

  assert.ok(
    settings.length > 5 && variables.length > 5,
    `found ${settings.map(({ name }) => name).join(', ')} and ${variables.join(', ')}`,
  );
  for (const page of [CLI, read('README.md')]) {
    assert.deepEqual(
      settings.filter(({ name, variable }) => {
        const cell = variable === null ? ' ' : ` \`${variable}\``;
        return !new RegExp(`^\\| \`${name}\` +\\|${cell}`, 'm').test(page);
      }),
      [],
    );
    assert.deepEqual(
      variables.filter((name) => !page.includes(`\`${name}\``)),
      [],
    );
  }
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
  const maxBytes = 2 * DEFAULT_MAX_BYTES + 1024 * 1024;
  assert.ok(format.includes(`${maxBytes.toLocaleString('en-US')} bytes`), `the largest file has ${maxBytes} bytes`);
});

function read(page: string): string {
  return readFileSync(join(REPOSITORY, page), 'utf8');
}
