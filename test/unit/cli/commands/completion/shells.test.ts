import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { SHELLS, shellWords } from '../../../../../src/cli/commands/completion/shells.ts';
import { lacksProgram } from '../../../../support/needs.ts';

describe('the words of a line', () => {
  for (const [line, words] of [
    ['', ['']],
    ['fsq', ['fsq']],
    ['fsq ', ['fsq', '']],
    ['fsq  ls\t--json', ['fsq', 'ls', '--json']],
    [`fsq call "a b" 'c d'e `, ['fsq', 'call', 'a b', 'c de', '']],
    ['fsq call a\\ b "x\\"y', ['fsq', 'call', 'a b', 'x"y']],
    [`fsq call '' `, ['fsq', 'call', '', '']],
    ['fsq call "it\'s', ['fsq', 'call', "it's"]],
    ['fsq \\', ['fsq', '']],
    ['fsq ls --queue=a:b', ['fsq', 'ls', '--queue=a:b']],
  ] as const)
    test(JSON.stringify(line), () => assert.deepEqual(shellWords(line), words));
});

const two = {
  lookup: 'words',
  candidates: [
    { value: 'mail:send', about: 'a\u001b[2J worker' },
    { value: 'mail:b\\', about: '' },
  ],
} as const;

describe('candidates', () => {
  const lines = (shell: string, given: readonly string[] = []): readonly string[] =>
    SHELLS[shell]?.lines(two, given) ?? [];

  test('of bash are what it replaces, with what they are where it lists them', () => {
    assert.deepEqual(lines('bash', ['fsq call mail:', '', '9']), ['send  (a\\u{1b}[2J worker)', 'b\\']);
    assert.deepEqual(lines('bash', ['fsq call ma', 'ma', '37']), ['mail:send', 'mail:b\\'], 'it inserts one by one');
    const one = { lookup: 'words', candidates: two.candidates.slice(0, 1) } as const;
    assert.deepEqual(SHELLS['bash']?.lines(one, ['fsq call ma', 'ma', '9']), ['mail:send']);
    assert.deepEqual(SHELLS['bash']?.lines({ lookup: 'files', candidates: [] }, ['fsq ', '', '9']), []);
  });

  test('of the others are in the form that each reads', () => {
    assert.deepEqual(lines('zsh'), ['mail\\:send:a\\u{1b}[2J worker', 'mail\\:b\\\\']);
    for (const shell of ['fish', 'powershell'])
      assert.deepEqual(lines(shell), ['mail:send\ta\\u{1b}[2J worker', 'mail:b\\']);
  });
});

test('PowerShell hands over the last word behind a sign, as it drops one that is empty', () => {
  assert.deepEqual(SHELLS['powershell']?.words(['show', '=']), ['show', '']);
  assert.deepEqual(SHELLS['powershell']?.words(['=sh']), ['sh']);
});

for (const [shell, args] of [
  ['bash', '-n'],
  ['zsh', '-n'],
  ['fish', '--no-execute /dev/stdin'],
] as const)
  test(`${shell} can read its script`, { skip: lacksProgram(shell) }, () => {
    const { status, stderr } = spawnSync('sh', ['-c', `printf %s "$SCRIPT" | ${shell} ${args}`], {
      env: { ...process.env, SCRIPT: SHELLS[shell]?.script ?? '' },
      encoding: 'utf8',
    });

    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
  });
