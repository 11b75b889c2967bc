import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandLineIn } from '../../../../src/worker/child/command.ts';
import { toError, toFailure } from '../../../../src/job/failure.ts';
import { CommandError } from '../../../../src/job/ended/command-error.ts';

const ALL = { redact: null, stacks: true };

test('what a job says of its command is trusted in nothing', () => {
  const good = { command: ['make', '-j4'], cwd: '/srv', env: { A: '1' } };
  assert.deepEqual(commandLineIn(good), good);
  assert.deepEqual(commandLineIn({ command: ['make'], cwd: '/' }), { command: ['make'], cwd: '/', env: {} });

  const wrong: readonly unknown[] = [
    undefined,
    null,
    'make',
    [],
    {},
    { command: [], cwd: '/' },
    { command: [''], cwd: '/' },
    { command: 'make', cwd: '/' },
    { command: ['make', 4], cwd: '/' },
    { command: ['ma\0ke'], cwd: '/' },
    { command: ['make'], cwd: 'here' },
    { command: ['make'] },
    { command: ['make'], cwd: '/', env: ['A'] },
    { command: ['make'], cwd: '/', env: { A: 1 } },
    { command: ['make'], cwd: '/', env: { 'A\0': '1' } },
  ];
  for (const one of wrong)
    assert.throws(
      () => commandLineIn(one),
      { code: 'FSQ_PERMANENT', message: /^Expected .*fsq:exec/ },
      JSON.stringify(one),
    );
});

test('how a command ended comes back to its caller, by a fixed class', () => {
  for (const end of [
    { exitCode: 2, signal: null },
    { exitCode: null, signal: 'SIGKILL' },
  ]) {
    const failure = toFailure(new CommandError('make ended badly', end), ALL);

    const error = toError('id', { state: 'failed', error: failure }, 1);

    assert.ok(error instanceof CommandError);
    assert.deepEqual(
      [error.name, error.code, error.message, error.exitCode, error.signal],
      ['CommandError', 'FSQ_COMMAND', 'make ended badly', end.exitCode, end.signal],
    );
  }
  assert.equal('exitCode' in toFailure(Object.assign(new Error('other'), { exitCode: 2 }), ALL), false);
});
