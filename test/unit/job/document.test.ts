import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { CorruptJobError, type Document, encodeBase, parseDocument } from '../../../src/job/document.ts';
import { encodeTail } from '../../../src/job/tail.ts';
import { idTimeMs } from '../../../src/job/names.ts';
import {
  type Attempt,
  endedAtMs,
  type Job,
  type JobRecord,
  type Outcome,
  type Standing,
} from '../../../src/job/job.ts';
import { jobRecord, nextId } from '../../support/factory.ts';

const JOB = jobRecord({
  task: 'mail.send',
  args: [1, 'Zoë "👋"\\ \u2028 \u0000', { list: [null, true, { '}': '\n,"attempts":' }] }],
  headers: { trace: '}\n{', __proto__x: 'y' },
  etaMs: 1_700_000_000_000,
  options: {
    expiresAtMs: 1_700_000_000_001,
    retries: 3,
    backoff: { initialMs: 10, factor: 1.5, maxMs: 100, jitter: false },
    onCrash: 'fail',
    timeLimitMs: 2_000,
    softTimeLimitMs: 1_000,
  },
});
const ATTEMPT: Attempt = {
  attempt: 1,
  startedAtMs: 5,
  endedAtMs: 9,
  owner: '1-0000000000000001',
  error: { name: 'E', message: 'é\n}', stack: 's', code: 'C', cause: { name: 'F', message: '' } },
};
const DEFAULT: Standing = { queue: 'default', priority: 5, attempt: 1, crashes: 0 };
const OUTCOMES: readonly Outcome[] = [
  { state: 'succeeded', value: { a: ['x', null, 'ü}'] } },
  { state: 'succeeded', value: undefined },
  { state: 'succeeded', value: null },
  { state: 'failed', error: { name: 'E', message: 'm', stack: 'a\n  at b', cause: { name: 'F', message: 'n' } } },
  { state: 'revoked', error: { name: 'R', message: '' } },
  { state: 'expired', error: { name: 'X', message: '' } },
];

/** Bases as fsq writes them, and as other programs may. */
const BASES: readonly [string, Job, string][] = [
  ['of fsq', JOB, encodeBase(JOB)],
  ...shellMade([
    ['without a newline', (id) => `{"task":"add","id":"${id}"}`],
    ['with a newline behind it', () => `{"task":"add","args":[]}\n`],
    ['pretty-printed', (id) => JSON.stringify({ v: 1, id, task: 'add', args: [], extra: { a: [1] } }, null, 2)],
    ['pretty-printed by an editor', (id) => `${JSON.stringify({ id, task: 'add' }, null, '\t')}\n`],
    ['with a carriage return', () => `{"task":"add"}\r\n`],
  ]),
];

describe('a base', () => {
  test('comes back as it was written', () => {
    const { record, torn } = parseDocument(encodeBase(JOB), JOB.id);

    assert.deepEqual(record, { job: JOB, attempts: [], outcome: null, parked: null, kept: {} });
    assert.equal(torn, false);
  });

  test('may say its task only: the rest has defaults', () => {
    const id = nextId();

    const { record } = parseDocument('{"task":"add"}', id);

    assert.deepEqual(record.job, { id, task: 'add', args: [], enqueuedAtMs: idTimeMs(id), options: {}, headers: {} });
  });

  test('keeps only headers that are text, and options that are known and sound', () => {
    const text =
      '{"task":"add","headers":{"a":"x","b":1,"c":null},"options":{"etaMs":"soon","strange":1},"enqueuedAtMs":"x"}';

    const { record } = parseDocument(text, JOB.id);

    assert.deepEqual(record.job.headers, { a: 'x' });
    assert.deepEqual(record.job.options, {});
    assert.equal(record.job.enqueuedAtMs, idTimeMs(JOB.id));
  });

  test('with __proto__ as a key pollutes nothing and supplies nothing', () => {
    const text =
      '{"__proto__":{"task":"evil","state":"succeeded","value":1},"task":"add","args":[{"__proto__":{"x":1}}],"headers":{"__proto__":"h"},"options":{"__proto__":{"etaMs":5}}}';

    const { record } = parseDocument(text, JOB.id);

    assert.equal(record.job.task, 'add');
    assert.equal(record.outcome, null);
    assert.deepEqual(record.job.options, {});
    assert.equal(Object.getPrototypeOf(record.job.headers), Object.prototype);
    assert.equal(({} as Record<string, unknown>)['x'], undefined);
  });
});

describe('no job is', () => {
  const { id } = JOB;
  const other = nextId();
  const texts: readonly [string, string, RegExp][] = [
    ['an empty file', '', /not JSON \(empty\)/],
    ['garbage', 'garbage\n\n', /not JSON \(begins "garbage/],
    ['a file of NULs', '\0'.repeat(4096), /not JSON/],
    ['a number', '7', /not an object/],
    ['null', 'null', /not an object/],
    ['an array', '[]', /not an object/],
    ['an object without a task', '{}', /its task is undefined/],
    ['a task that is no name', '{"task":"a b"}', /its task is "a b"/],
    ['a task that is no text', '{"task":["add"]}', /its task is an array/],
    ['one with args that are no array', '{"task":"add","args":{"0":1}}', /args are an object/],
    ['one of another version', '{"v":2,"task":"add"}', /format is 2, this fsq reads 1/],
    ['one of a version that is text', '{"v":"1","task":"add"}', /format is "1"/],
    ['one with another id', `{"id":"${other}","task":"add"}`, /its id is .*, its name says/],
    ['one that is cut within the base', encodeBase(JOB).slice(0, -20), /not JSON/],
    ['one that inherits its task', '{"__proto__":{"task":"add"}}', /its task is undefined/],
    ['one cut before its last brace', '{"task":"add"', /not JSON/],
    ['one with the wrong last character', '{"task":"add"]', /not JSON/],
    ['one with something behind it', '{"task":"add"}x', /not JSON/],
    [
      'a whole number that would arrive as another',
      '{"task":"add","args":[{"id":647463207857815565}]}',
      /number that would/,
    ],
    ['a number out of range', '{"task":"add","args":[[1e999]]}', /number that would arrive as another/],
    ['two in one file', `${encodeBase(JOB)}\n${encodeBase(JOB)}`, /not JSON/],
  ];
  for (const [what, text, reason] of texts) {
    test(what, () => {
      assert.throws(
        () => parseDocument(text, id),
        (error) => error instanceof CorruptJobError && reason.test(error.message),
      );
    });
  }
});

test('a base cut anywhere is no job, or the whole of it when only its last brace is missing', () => {
  for (const [what, job, base] of BASES) {
    for (let cut = 0; cut < base.trimEnd().length - 1; cut++) {
      const text = base.slice(0, cut);
      const isComplete =
        `${text.trimEnd()}}` === base.trimEnd() || text.trimEnd() === base.trimEnd().slice(0, -1).trimEnd();
      try {
        const { record } = parseDocument(text, job.id);
        assert.ok(isComplete, `${what}, cut at ${cut}`);
        assert.deepEqual(record.job, job);
      } catch (error) {
        assert.ok(error instanceof CorruptJobError, `${what}, cut at ${cut}: ${String(error)}`);
      }
    }
  }
});

describe('a tail', () => {
  for (const [what, job, base] of BASES) {
    for (const outcome of OUTCOMES) {
      test(`of a job ${outcome.state} comes back behind a base ${what}`, () => {
        const text = withTail(base, job.id, encodeTail([ATTEMPT], { outcome, standing: DEFAULT }));

        const { record, torn } = parseDocument(text, job.id);

        assert.deepEqual(record, { job, attempts: [ATTEMPT], outcome, parked: null, kept: {} });
        assert.equal(torn, false);
      });
    }
  }

  test('keeps the standing where it is not the default', () => {
    const standing = { queue: 'mails', priority: 0, attempt: 3, crashes: 2 };
    const tail = encodeTail([], { outcome: { state: 'succeeded', value: 1 }, standing });

    const { record } = parseDocument(withTail(encodeBase(JOB), JOB.id, tail), JOB.id);

    assert.deepEqual(record.kept, { queue: 'mails', priority: 0, crashes: 2 });
  });

  test('of a job that ended without a run says when; else the last attempt does', () => {
    const outcome = { state: 'revoked', error: { name: 'RevokedError', message: 'revoked' } } as const;
    const read = (tail: string): JobRecord => parseDocument(withTail(encodeBase(JOB), JOB.id, tail), JOB.id).record;

    const unrun = read(encodeTail([ATTEMPT], { outcome, standing: DEFAULT, endedAtMs: 9_000 }));
    const ran = read(encodeTail([ATTEMPT], { outcome, standing: DEFAULT, endedAtMs: null }));
    const nothing = read(encodeTail([], { outcome, standing: DEFAULT }));

    assert.deepEqual([unrun, ran, nothing].map(endedAtMs), [9_000, ATTEMPT.endedAtMs, null]);
  });

  test('of a parked job says why it waits', () => {
    const parked = { reason: 'no worker here knows task ad; did you mean add?', sinceMs: 7 };

    const { record } = parseDocument(withTail(encodeBase(JOB), JOB.id, encodeTail([ATTEMPT], { parked })), JOB.id);

    assert.deepEqual(record.parked, parked);
    assert.deepEqual(record.attempts, [ATTEMPT]);
    assert.equal(record.outcome, null);
  });

  test('is replaced, not added to: the base ends where it ended before', () => {
    const base = encodeBase(JOB);
    const first = withTail(base, JOB.id, encodeTail([ATTEMPT], null));

    const second = withTail(first, JOB.id, encodeTail([ATTEMPT, { ...ATTEMPT, attempt: 2 }], null));

    assert.equal(parseDocument(second, JOB.id).baseEnd, parseDocument(base, JOB.id).baseEnd);
    assert.equal(parseDocument(second, JOB.id).record.attempts.length, 2);
  });

  test('with entries that are not whole counts what is', () => {
    const tail = `\n,"attempts":[null,1,{"attempt":1},{"attempt":2,"endedAtMs":3,"owner":"o","error":"text"},[]],"state":"failed"}`;

    const { record } = parseDocument(withTail(encodeBase(JOB), JOB.id, tail), JOB.id);

    assert.deepEqual(record.attempts, [{ attempt: 2, endedAtMs: 3, owner: 'o' }]);
    assert.deepEqual(record.outcome, {
      state: 'failed',
      error: { name: 'Error', message: 'The outcome does not say why.' },
    });
  });

  test('with a state that is not known is no outcome', () => {
    for (const state of ['"running"', '"constructor"', '1', 'null', '{}']) {
      const text = withTail(encodeBase(JOB), JOB.id, `\n,"attempts":[],"state":${state},"value":1}`);

      assert.equal(parseDocument(text, JOB.id).record.outcome, null);
    }
  });

  test('with the errors of an AggregateError gives them back, but for what is none', () => {
    const error = {
      name: 'AggregateError',
      message: 'm',
      errors: [{ name: 'A', message: 'a' }, 7, { name: 'B', message: 'b' }],
    };

    const { record } = parseDocument(
      withTail(encodeBase(JOB), JOB.id, `\n,"attempts":[],"state":"failed","error":${JSON.stringify(error)}}`),
      JOB.id,
    );

    assert.deepEqual(record.outcome, {
      state: 'failed',
      error: { ...error, errors: [error.errors[0], error.errors[2]] },
    });
  });

  for (const [what, begin, end] of [
    ['causes', '{"name":"E","message":"m","cause":', '}'],
    ['errors', '{"name":"E","message":"m","errors":[', ']}'],
  ] as const)
    test(`with ${what} nested without end is read all the same`, () => {
      const depth = 50_000;
      const error = `${begin.repeat(depth)}null${end.repeat(depth)}`;

      const { record } = parseDocument(
        withTail(encodeBase(JOB), JOB.id, `\n,"attempts":[],"state":"failed","error":${error}}`),
        JOB.id,
      );

      assert.equal(record.outcome?.state, 'failed');
      assert.ok(JSON.stringify(record.outcome).length < 10_000);
    });
});

describe('a tail cut off at any byte', () => {
  const tails: readonly [string, string][] = OUTCOMES.map((outcome) => [
    outcome.state,
    encodeTail([ATTEMPT], { outcome, standing: { ...DEFAULT, queue: 'q', crashes: 1 } }),
  ]);

  for (const [what, job, base] of BASES) {
    test(`behind a base ${what} gives the base back`, () => {
      for (const [, tail] of tails) forEachCut(base, job, tail, (text) => text);
    });

    test(`behind a base ${what}, with NULs where the disk has not written, gives the base back`, () => {
      for (const [, tail] of tails.slice(0, 2)) {
        forEachCut(base, job, tail, (text, cut) => (cut === 0 ? text : text + '\0'.repeat(tail.length - cut)));
      }
    });
  }

  test('over an older tail gives the base, never an outcome of the attempt that was cut', () => {
    const old = withTail(encodeBase(JOB), JOB.id, encodeTail([ATTEMPT], null));
    const { baseEnd } = parseDocument(old, JOB.id);
    const tail = encodeTail([ATTEMPT, { ...ATTEMPT, attempt: 2 }], {
      outcome: { state: 'succeeded', value: 'new' },
      standing: DEFAULT,
    });

    for (let cut = 0; cut < tail.length; cut++) {
      const text = old.slice(0, baseEnd) + tail.slice(0, cut) + old.slice(baseEnd + cut);

      const { record } = parseDocument(text, JOB.id);

      assert.deepEqual(record.job, JOB, `cut at ${cut}`);
      assert.equal(record.outcome, null, `cut at ${cut}`);
    }
  });
});

function forEachCut(base: string, job: Job, tail: string, damage: (text: string, cut: number) => string): void {
  const { baseEnd } = parseDocument(base, job.id);
  for (let cut = 0; cut < tail.length; cut++) {
    const kept = cut < base.length - baseEnd ? base.slice(baseEnd + cut) : '';
    const text = damage(base.slice(0, baseEnd) + tail.slice(0, cut) + kept, cut);
    let document: Document;
    try {
      document = parseDocument(text, job.id);
    } catch (error) {
      assert.fail(`cut at ${cut}, ${JSON.stringify(text.slice(baseEnd - 5))}: ${String(error)}`);
    }
    assert.deepEqual(document.record, { job, attempts: [], outcome: null, parked: null, kept: {} }, `cut at ${cut}`);
    const mended = text.slice(0, document.baseEnd) + tail;
    assert.notEqual(parseDocument(mended, job.id).record.outcome, null, `a new tail after a cut at ${cut}`);
  }
}

/** As a worker writes: over the end of the base, and nothing is left behind it. */
function withTail(text: string, id: string, tail: string): string {
  return text.slice(0, parseDocument(text, id).baseEnd) + tail;
}

function shellMade(forms: readonly [string, (id: string) => string][]): [string, Job, string][] {
  return forms.map(([what, write]) => {
    const id = nextId();
    return [what, { id, task: 'add', args: [], enqueuedAtMs: idTimeMs(id), options: {}, headers: {} }, write(id)];
  });
}

test('whatever number JSON.stringify writes is read as it was, and digits in texts and fractions are let be', () => {
  const args = [
    2 ** 53,
    2 ** 60,
    -(2 ** 70),
    1e21,
    Number.MAX_VALUE,
    5e-324,
    0.1 + 0.2,
    '647463207857815565',
    { '1e999': '"1e999' },
  ];
  const job = { ...JOB, args };

  assert.deepEqual(parseDocument(encodeBase(job), JOB.id).record.job.args, args);
  const exact = '{"task":"add","args":[1152921504606846976,0.12345678901234567890]}';
  assert.deepEqual(parseDocument(exact, JOB.id).record.job.args, [2 ** 60, 0.12345678901234568]);
});
