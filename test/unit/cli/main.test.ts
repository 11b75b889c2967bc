import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { outputTo } from '../../../src/cli/main.ts';

test('a stream is opened at the first write only', () => {
  let opened = 0;
  const output = outputTo(() => {
    opened++;
    return new Writable({ write: (_chunk, _encoding, done) => done() }) as NodeJS.WriteStream;
  });

  assert.equal(opened, 0);
  output.write('a');
  output.write('b');
  assert.equal(opened, 1);
});

test('a reader that went away is no failure, a full disk is', async () => {
  for (const [code, isFailure] of [
    ['EPIPE', false],
    ['ENOSPC', true],
  ] as const) {
    const output = outputTo(() => {
      const write = (_chunk: unknown, _encoding: unknown, done: (error: Error) => void): void =>
        done(Object.assign(new Error(code), { code }));
      return new Writable({ write }) as NodeJS.WriteStream;
    });

    output.write('a');
    await new Promise((resolve) => setImmediate(resolve));
    output.write('b');

    assert.equal(output.failure() !== null, isFailure, code);
  }
});
