import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Failure } from '../../../../../src/job/errors.ts';
import { toFailure } from '../../../../../src/job/failure.ts';
import { jobErrorOf, rootOf } from '../../../../../src/ui/desk/job/job-error.ts';
import type { JobError } from '../../../../../src/ui/wire.ts';

/** Its message, with those of its cause and of the errors in it. */
type Shape = readonly [message: string, cause: Shape | null, ...errors: Shape[]];

function shapeOf({ message, cause, errors }: JobError): Shape {
  return [message, cause === null ? null : shapeOf(cause), ...errors.map(shapeOf)];
}

function all(error: JobError): readonly JobError[] {
  return [error, ...[...(error.cause === null ? [] : [error.cause]), ...error.errors].flatMap(all)];
}

const failure = (message: string, parts: Partial<Failure> = {}): Failure => ({ name: 'Error', message, ...parts });

describe('an error on the page', () => {
  test('that is made of others has each of them, with its own causes', () => {
    const thrown = new AggregateError(
      [
        new Error('first', { cause: new RangeError('why the first') }),
        new TypeError('second'),
        new AggregateError([new Error('inner', { cause: 'text' })], 'third'),
      ],
      'All promises were rejected',
      { cause: new Error('why all') },
    );

    const shown = jobErrorOf(toFailure(thrown, { redact: null, stacks: true }));

    assert.deepEqual(shapeOf(shown), [
      'All promises were rejected',
      ['why all', null],
      ['first', ['why the first', null]],
      ['second', null],
      ['third', null, ['inner', ['The task threw "text", which is not an Error. Throw an Error.', null]]],
    ]);
    assert.deepEqual(
      all(shown).map(({ leftOut }) => leftOut),
      all(shown).map(() => 0),
    );
    assert.match(shown.errors[1]?.stack ?? '', /^TypeError: second\n/);
  });

  test('has its own errors before those below them, 32 in all, and says how many are left out', () => {
    const deep = failure('wide', { errors: Array.from({ length: 50 }, (_, i) => failure(`leaf ${i}`)) });
    const shown = jobErrorOf(failure('top', { cause: deep, errors: [deep, failure('last')] }));

    assert.deepEqual([shown.errors.length, shown.errors[1]?.message, shown.leftOut], [2, 'last', 0]);
    assert.deepEqual([shown.cause?.errors.length, shown.cause?.leftOut], [28, 22]);
    assert.deepEqual([shown.errors[0]?.errors.length, shown.errors[0]?.leftOut], [0, 50]);
    assert.equal(all(shown).length, 32);
  });

  test('has causes that end, and texts that are cut, its code among them', () => {
    const long = 'x'.repeat(1_000_000);
    let error = failure(long, { name: long, code: long, stack: long });
    for (let i = 0; i < 40; i++) error = failure(long, { name: long, code: long, stack: long, cause: error });

    const shown = all(jobErrorOf(error));

    assert.equal(shown.length, 32);
    assert.deepEqual(
      shown.map(({ leftOut }) => leftOut),
      shown.map((_, i) => (i === 31 ? 1 : 0)),
    );
    for (const { name, message, code, stack } of shown)
      for (const text of [name, message, code, stack]) assert.equal(text?.length, 32_769);
  });
});

test('what lies below an error is its last cause, or the first of those that it is made of, with its code', () => {
  const refused = failure('connect 127.0.0.1:5432', { code: 'ECONNREFUSED' });
  const wanted = 'Error: ECONNREFUSED connect 127.0.0.1:5432';

  assert.equal(rootOf(failure('no')), null);
  assert.equal(rootOf(failure('a', { cause: failure('b', { cause: refused }) })), wanted);
  assert.equal(rootOf(failure('all', { errors: [failure('b', { cause: refused }), failure('c')] })), wanted);
  assert.equal(rootOf(failure('a', { cause: failure('EIO: no', { code: 'EIO' }) })), 'Error: EIO: no');
  assert.equal(rootOf(failure('a', { cause: failure('x'.repeat(9_000)) }))?.length, 200);
});
