/** The manual page, which is made of the commands when the package is packed. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test, { describe } from 'node:test';
import { manPage } from '../../scripts/man.mjs';
import { COMMANDS } from '../../src/cli/main.ts';
import { lacksProgram } from '../support/needs.ts';

const page: string = await manPage('1.2.3', '2026-03-01');

test('the manual page names every command and each of its options', async () => {
  for (const [name, load] of Object.entries(COMMANDS)) {
    const [, section = ''] = page.split(`.SS "fsq ${name}"\n`);
    const { options, examples } = await load();
    for (const option of Object.keys(options))
      assert.ok(section.includes(`\\-\\-${option.replaceAll('-', '\\-')}`), `${name} --${option}`);
    assert.ok(examples.length > 0 && section !== '', name);
  }
});

describe('the manual page is without a fault, says', () => {
  for (const [program, args] of [
    ['mandoc', ['-T', 'lint', '-W', 'warning']],
    ['groff', ['-man', '-Tutf8', '-ww', '-z']],
  ] as const)
    test(program, { skip: lacksProgram(program) }, () => {
      const { status, stdout, stderr } = spawnSync(program, args, { input: page, encoding: 'utf8' });

      assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' });
    });
});

test('nothing of a help is a request to roff', () => {
  const lines = page.split('\n').filter((line) => /^['.]/.test(line));

  for (const line of lines) assert.match(line, /^\.(?:\\"|TH|SH|SS|PP|TP|B|BI|I|RI)\b|^\.\\"/, line);
  assert.doesNotMatch(page, /[^\n -~]/, 'roff may read other bytes in its own way');
});
