import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe, type TestContext } from 'node:test';
import { argumentsFor, Notifier, parseNotify } from '../../../../../src/cli/commands/worker/notify.ts';
import type { RanJob } from '../../../../../src/worker/child/ran-jobs.ts';
import type { Logger } from '../../../../../src/worker/log.ts';
import { until } from '../../../../support/conditions.ts';
import { tempDir } from '../../../../support/temp-dir.ts';

const RAN: RanJob = { id: '01a2-1', task: 'mail:send', attempt: 2, state: 'failed', ms: 30 };

describe('a command line', () => {
  for (const [text, words] of [
    ['notify {id}', ['notify', '{id}']],
    ['  a   b\t"c d" \'e "f\' g\\ h "i\\"j" "" k', ['a', 'b', 'c d', 'e "f', 'g h', 'i"j', '', 'k']],
    ["sh -c 'echo $1; rm -rf x | y' _ {task}", ['sh', '-c', 'echo $1; rm -rf x | y', '_', '{task}']],
    ['curl https://x/{id}/{state}?n={attempt}&t={ms}', ['curl', 'https://x/{id}/{state}?n={attempt}&t={ms}']],
    ["jq '{}' '{ a }'", ['jq', '{}', '{ a }']],
  ] as const)
    test(`is taken apart: ${text}`, () => assert.deepEqual(parseNotify(text), words));

  for (const [text, message] of [
    ['', /--notify.* a command, such as/],
    ['   ', /--notify.* a command, such as/],
    ['"" x', /--notify.* a command, such as/],
    ["echo 'open", /a closing '/],
    ['echo {sate}', /Unknown placeholder \{sate\} in --notify; did you mean state\?/],
    ['sh -c "echo {id}"', /Expected placeholders of --notify behind the script of sh/],
    ["/bin/bash -lc 'x {task}' {id}", /behind the script of \/bin\/bash/],
  ] as const)
    test(`is refused: ${text}`, () => assert.throws(() => parseNotify(text), message));

  test('gets what stands in braces as a part of an argument, whatever it holds', () => {
    const evil = { ...RAN, task: 'a b\';"$(x){id}' };

    assert.deepEqual(argumentsFor(['n', '{id}={state}', '{task}', '{attempt} {ms}', '{}'], evil), [
      'n',
      '01a2-1=failed',
      'a b\';"$(x){id}',
      '2 30',
      '{}',
    ]);
  });
});

/** A notifier whose log is kept. */
function notifierOf(
  words: readonly string[],
  limits: { limitMs?: number; lastMs?: number } = {},
): { notifier: Notifier; said: string[] } {
  const said: string[] = [];
  const say = (text: string): void => void said.push(text);
  const log: Logger = { debug: say, info: say, warn: say, error: say };
  return { notifier: new Notifier(words, { env: process.env, log, ...limits }), said };
}

/** A file to which `script` appends, and which holds its lines. */
function recording(
  t: TestContext,
  script: string,
): { words: readonly string[]; lines: () => readonly string[]; path: string } {
  const path = join(tempDir(t), 'ends');
  const lines = (): readonly string[] => (existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : []);
  return { words: ['sh', '-c', script, '_', path, '{id}', '{state}'], lines, path };
}

describe('a notifier', () => {
  test('runs the command for each end, not for runs after which the job goes on, and its end waits for them', async (t) => {
    const { words, lines } = recording(t, 'echo "$2 $3" >> "$1"');
    const { notifier, said } = notifierOf(words);

    for (const state of ['succeeded', 'failed', 'revoked', 'expired', 'retried', 'parked'] as const)
      notifier.hear({ ...RAN, id: `id-${state}`, state });
    await notifier.close();

    assert.deepEqual(lines().toSorted(), [
      'id-expired expired',
      'id-failed failed',
      'id-revoked revoked',
      'id-succeeded succeeded',
    ]);
    assert.deepEqual(said, []);
  });

  test('runs four at a time', async (t) => {
    const { words, lines, path } = recording(
      t,
      'echo begun >> "$1"; while [ ! -e "$1.go" ]; do sleep 0.01; done; echo ended >> "$1"',
    );
    const { notifier } = notifierOf(words);

    for (let i = 0; i < 10; i++) notifier.hear(RAN);
    await until(() => lines().length === 4, 'four have begun');
    writeFileSync(`${path}.go`, '');
    await notifier.close();

    assert.equal(lines().filter((line) => line === 'ended').length, 10);
    assert.equal(lines().indexOf('ended'), 4);
  });

  test('tells of a command that fails, with what it said, and once for many', async () => {
    const { notifier, said } = notifierOf(['sh', '-c', 'printf "no \\033[2J" >&2; exit 3']);

    for (let i = 0; i < 6; i++) notifier.hear(RAN);
    await notifier.close();

    assert.match(said[0] ?? '', /^--notify failed for mail:send 01a2-1: sh exited with 3, and said no \\u\{1b\}\[2J$/);
    assert.match(said[1] ?? '', /\(and 4 others since the last such line\)$/);
    assert.equal(said.length, 2);
  });

  test('tells of a program that is not there, and of an argument that no program can have', async () => {
    const missing = notifierOf(['no-such-program']);
    const nul = notifierOf(['echo', '{task}']);

    missing.notifier.hear(RAN);
    nul.notifier.hear({ ...RAN, task: 'a\0b' });
    await Promise.all([missing.notifier.close(), nul.notifier.close()]);

    assert.match(missing.said[0] ?? '', /spawn no-such-program ENOENT/);
    assert.match(nul.said[0] ?? '', /null bytes/);
  });

  test('kills a command that takes too long, and waits for none for ever', async () => {
    const slow = notifierOf(['sleep', '1000'], { limitMs: 50 });
    const last = notifierOf(['sleep', '1000'], { lastMs: 50 });

    slow.notifier.hear(RAN);
    for (let i = 0; i < 6; i++) last.notifier.hear(RAN);
    await Promise.all([slow.notifier.close(), last.notifier.close()]);

    assert.match(slow.said[0] ?? '', /sleep was killed by SIGKILL/);
    assert.match(last.said.join('\n'), /6 ends not told within 50 ms after the worker's/);
  });

  test('a command that leaves a process behind with its stderr does not hold it up', async (t) => {
    const { words, lines } = recording(t, 'sleep 1000 & echo $! >> "$1"');
    const { notifier, said } = notifierOf(words);
    t.after(() => process.kill(Number(lines()[0]), 'SIGKILL'));

    notifier.hear(RAN);
    await notifier.close();

    assert.deepEqual(said, []);
  });

  test('keeps a thousand ends at most, the latest', async () => {
    const { notifier, said } = notifierOf(['sleep', '1000'], { lastMs: 1 });

    for (let i = 0; i < 1_100; i++) notifier.hear(RAN);
    await notifier.close();

    assert.match(said[0] ?? '', /more than 1000 ends wait: the oldest is not told/);
  });
});
