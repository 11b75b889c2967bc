import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import vm from 'node:vm';
import {
  ExpiredError,
  type Failure,
  FsqError,
  RevokedError,
  TaskError,
  TimeLimitError,
  WorkerLostError,
} from '../../../src/job/errors.ts';
import { ALL_TEXTS, failureOf, type Redact, redacted, REMOVED, toError, toFailure } from '../../../src/job/failure.ts';

const thrower = (): never => {
  throw new Error('looked at');
};

describe('whatever is thrown becomes plain data:', () => {
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const thrown: readonly [string, unknown][] = [
    ['null', null],
    ['undefined', undefined],
    ['a string', 'no'],
    ['a number', 7],
    ['a bigint', 1n],
    ['a symbol', Symbol('x')],
    ['a plain object', { message: 'x' }],
    ['an object without prototype', Object.create(null)],
    ['a function', () => 1],
    ['an array', [1]],
    ['a revoked proxy', revoked.proxy],
    [
      'a proxy that throws at every look',
      new Proxy(new Error('x'), { get: thrower, has: thrower, getPrototypeOf: thrower }),
    ],
    ['an error whose message throws', Object.defineProperty(new Error('x'), 'message', { get: thrower })],
    ['an error whose stack throws', Object.defineProperty(new Error('x'), 'stack', { get: thrower })],
    [
      'an error with fields of the wrong types',
      Object.assign(new Error('x'), { name: 1, message: {}, stack: [], code: {} }),
    ],
    ['an error whose cause throws', new Error('x', { cause: new Proxy({}, { getPrototypeOf: thrower }) })],
  ];
  for (const [what, value] of thrown) {
    test(what, () => {
      const failure = toFailure(value, ALL_TEXTS);

      assert.equal(typeof failure.name, 'string');
      assert.equal(typeof failure.message, 'string');
      assert.deepEqual(JSON.parse(JSON.stringify(failure)), failure);
    });
  }
});

test('a thrown value that is no error is named', () => {
  assert.deepEqual(toFailure('no', ALL_TEXTS), {
    name: 'NonError',
    message: 'The task threw "no", which is not an Error. Throw an Error.',
  });
});

test('an error keeps name, message, stack, code and causes', () => {
  const error = Object.assign(new TypeError('outer', { cause: new RangeError('inner') }), { code: 'E_X' });

  const failure = toFailure(error, ALL_TEXTS);

  assert.equal(failure.name, 'TypeError');
  assert.equal(failure.message, 'outer');
  assert.equal(failure.code, 'E_X');
  assert.match(failure.stack ?? '', /failure\.test/);
  assert.equal(failure.cause?.name, 'RangeError');
  assert.equal(failure.cause?.message, 'inner');
});

test('an error of another realm is kept like one of this', () => {
  const failure = toFailure(
    vm.runInNewContext(`Object.assign(new RangeError('x', { cause: new TypeError('y') }), { code: 'E_X' })`),
    ALL_TEXTS,
  );

  assert.equal(failure.name, 'RangeError');
  assert.equal(failure.message, 'x');
  assert.equal(failure.code, 'E_X');
  assert.match(failure.stack ?? '', /^RangeError: x\n/);
  assert.equal(failure.cause?.name, 'TypeError');
});

test('an object that is no error and has a message keeps it, with its code and stack', () => {
  assert.deepEqual(toFailure({ message: 'no route', code: 'E_ROUTE', stack: 'at home' }, ALL_TEXTS), {
    name: 'NonError',
    message: 'no route',
    code: 'E_ROUTE',
    stack: 'at home',
  });
});

test('a getter that throws costs what it would have given, and nothing else', () => {
  const broken = (key: string): Error =>
    Object.defineProperty(Object.assign(new TypeError('x', { cause: 'y' }), { code: 'E_X' }), key, { get: thrower });

  const withoutStack = toFailure(broken('stack'), ALL_TEXTS);
  assert.deepEqual(
    [withoutStack.name, withoutStack.message, withoutStack.code, withoutStack.stack, withoutStack.cause?.name],
    ['TypeError', 'x', 'E_X', undefined, 'NonError'],
  );
  assert.equal(toFailure(broken('message'), ALL_TEXTS).name, 'TypeError');
  assert.equal(toFailure(broken('message'), ALL_TEXTS).code, 'E_X');
  assert.equal(toFailure(broken('code'), ALL_TEXTS).message, 'x');
  assert.equal(toFailure(broken('cause'), ALL_TEXTS).code, 'E_X');
});

describe('the errors in an error are kept:', () => {
  test('those of Promise.any, with their causes', async () => {
    const failure = await Promise.any([
      Promise.reject(new RangeError('a', { cause: new Error('why') })),
      Promise.reject(Object.assign(new TypeError('b'), { code: 'E_B' })),
      Promise.reject('c'),
    ]).catch((error: unknown) => toFailure(error, ALL_TEXTS));

    assert.equal(failure.name, 'AggregateError');
    assert.deepEqual(
      failure.errors?.map(({ name, message, code }) => [name, message, code]),
      [
        ['RangeError', 'a', undefined],
        ['TypeError', 'b', 'E_B'],
        ['NonError', 'The task threw "c", which is not an Error. Throw an Error.', undefined],
      ],
    );
    assert.equal(failure.errors?.[0]?.cause?.message, 'why');
  });

  test('of another realm, of a class that extends it, and of what stands in for it', () => {
    class Both extends AggregateError {
      override name = 'Both';
    }
    const standIn = Object.assign(new Error('x'), { name: 'AggregateError', errors: [new Error('in')] });
    const foreign = vm.runInNewContext(`new AggregateError([new Error('in')], 'x')`);

    for (const error of [foreign, new Both([new Error('in')]), standIn])
      assert.equal(toFailure(error, ALL_TEXTS).errors?.[0]?.message, 'in');
  });

  test('the two of a SuppressedError, as a compiler makes it', () => {
    const suppressed = Object.assign(new Error('x'), {
      name: 'SuppressedError',
      error: new Error('while closing'),
      suppressed: new Error('while working'),
    });

    assert.deepEqual(
      toFailure(suppressed, ALL_TEXTS).errors?.map(({ message }) => message),
      ['while closing', 'while working'],
    );
  });

  test('of any other error, `errors` is data of its own, which stays where it is', () => {
    assert.equal(toFailure(Object.assign(new Error('x'), { errors: ['secret'] }), ALL_TEXTS).errors, undefined);
  });

  test('bounded in number and size, however they nest', () => {
    const many = (depth: number): Error =>
      new AggregateError(
        Array.from({ length: 100 }, () => (depth === 0 ? new Error('\u0000'.repeat(100_000)) : many(depth - 1))),
        'x'.repeat(100_000),
      );
    const endless = new AggregateError([], 'x');
    endless.errors.push(endless, endless);
    endless.cause = endless;

    for (const error of [many(0), many(1), endless]) {
      const text = JSON.stringify(toFailure(error, ALL_TEXTS));
      assert.ok(text.length < 1_300_000, `${text.length} characters`);
      assert.ok(text.split('"message"').length - 1 <= 22, text.slice(0, 1_000));
    }
  });
});

test('a numeric code is kept as text', () => {
  assert.equal(toFailure(Object.assign(new Error('x'), { code: 42 }), ALL_TEXTS).code, '42');
});

test('long texts and long or endless chains of causes are cut', () => {
  const endless = new Error('x'.repeat(1_000_000));
  endless.cause = endless;

  const failure = toFailure(endless, ALL_TEXTS);

  assert.ok(JSON.stringify(failure).length < 300_000);
  let depth = 0;
  for (let cause: Failure | undefined = failure; cause !== undefined; cause = cause.cause) depth++;
  assert.equal(depth, 6);
});

describe('what may not be kept is not:', () => {
  const SECRET = 'canary-4711';
  const secretive = (): Error =>
    Object.assign(new Error(`no ${SECRET}`, { cause: new Error(`for ${SECRET}`, { cause: SECRET }) }), {
      name: `Bad ${SECRET}`,
      code: `E_${SECRET}`,
    });
  const redact = (text: string): string => text.replaceAll(SECRET, '***');

  test('every text of an error and of its causes is redacted', () => {
    const failure = toFailure(secretive(), { redact, stacks: true });

    assert.equal(failure.name, 'Bad ***');
    assert.equal(failure.message, 'no ***');
    assert.equal(failure.code, 'E_***');
    assert.equal(failure.cause?.message, 'for ***');
    assert.match(failure.stack ?? '', /failure\.test/);
    assert.doesNotMatch(JSON.stringify(failure), /canary/);
  });

  for (const thrown of [SECRET, Symbol(SECRET), BigInt('123456789'), { [SECRET]: 1 }, `${'x'.repeat(76)}${SECRET}`]) {
    test(`of a thrown ${typeof thrown}, also where it is cut`, () => {
      const hide = (text: string): string => redact(text).replaceAll('123456789', '***');

      assert.doesNotMatch(JSON.stringify(toFailure(thrown, { redact: hide, stacks: true })), /can|123456789/);
    });
  }

  test('a secret on which a long text is cut is redacted first', () => {
    const failure = toFailure(new Error(`${'x'.repeat(16_380)}${SECRET}`), { redact, stacks: true });

    assert.doesNotMatch(failure.message, /can/);
  });

  test('where redact throws, nothing of the text is kept', () => {
    const failure = toFailure(secretive(), {
      redact: (text) => {
        throw new Error(text);
      },
      stacks: true,
    });

    assert.equal(failure.message, REMOVED);
    assert.equal(failure.cause?.cause?.message.includes('canary'), false);
    assert.doesNotMatch(JSON.stringify(failure), /canary/);
  });

  test('without stacks there is none, also in causes', () => {
    const failure = toFailure(secretive(), { redact: null, stacks: false });

    assert.doesNotMatch(JSON.stringify(failure), /stack|failure\.test/);
    assert.equal(failure.message, `no ${SECRET}`);
  });
});

describe('an outcome becomes the error of its kind:', () => {
  const error: Failure = {
    name: 'SyntaxError',
    message: 'm',
    stack: 's',
    code: 'C',
    cause: { name: 'E', message: 'c' },
  };

  test('failed: TaskError with all that the worker saw', () => {
    const made = toError('the-id', { state: 'failed', error }, 3);

    assert.ok(made instanceof TaskError && made instanceof FsqError);
    assert.equal(made.code, 'FSQ_TASK_FAILED');
    assert.equal(made.id, 'the-id');
    assert.equal(made.message, 'm');
    assert.equal(made.remoteName, 'SyntaxError');
    assert.equal(made.remoteCode, 'C');
    assert.equal(made.remoteStack, 's');
    assert.equal(made.remoteErrors, undefined);
    assert.equal(made.attempts, 3);
    assert.deepEqual(made.cause, { name: 'E', message: 'c' });
  });

  const kinds = [
    ['revoked', error, RevokedError, 'FSQ_REVOKED'],
    ['expired', error, ExpiredError, 'FSQ_EXPIRED'],
    ['failed', failureOf(new WorkerLostError('x')), WorkerLostError, 'FSQ_WORKER_LOST'],
    ['failed', failureOf(new TimeLimitError('x')), TimeLimitError, 'FSQ_TIME_LIMIT'],
  ] as const;
  for (const [state, failure, type, code] of kinds) {
    test(`${state}, ${failure.name}: ${type.name}`, () => {
      const made = toError('id', { state, error: failure }, 1);

      assert.ok(made instanceof type);
      assert.equal(made.code, code);
      assert.equal(made.message, failure.message);
    });
  }

  test("a task's own error that only has the name of one of ours stays a TaskError", () => {
    for (const name of ['WorkerLostError', 'constructor', '__proto__', 'process', 'TimeLimitError']) {
      assert.ok(toError('id', { state: 'failed', error: { name, message: 'm' } }, 1) instanceof TaskError);
    }
  });
});

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
