import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { type Redact, redacted, REMOVED } from '../../../src/job/redaction.ts';

test('without a redaction a text stays as it is', () => {
  assert.equal(redacted('secret', null), 'secret');
});

test('with one it is what the redaction gives, and an empty text is an answer', () => {
  assert.equal(
    redacted('secret', () => '***'),
    '***',
  );
  assert.equal(
    redacted('secret', () => ''),
    '',
  );
});

describe('a redaction that gives no answer leaves nothing of the text:', () => {
  const bad: readonly [string, unknown][] = [
    [
      'it throws',
      (text: string) => {
        throw new Error(text);
      },
    ],
    ['it gives undefined', () => undefined],
    ['it gives a String object', (text: string) => Object(text) as unknown],
    ['it is async', async (text: string) => text],
    ['it is async and rejects', async (text: string) => Promise.reject(new Error(text))],
    [
      'it gives what throws when looked at',
      () =>
        new Proxy(
          {},
          {
            get: () => {
              throw new Error('looked at');
            },
          },
        ),
    ],
    ['it is no function', 'secret'],
  ];
  for (const [what, redact] of bad) {
    // A rejection that nobody handles would fail the test by itself.
    test(what, async () => {
      assert.equal(redacted('secret', redact as Redact), REMOVED);
      await new Promise((resolve) => setImmediate(resolve));
    });
  }
});
