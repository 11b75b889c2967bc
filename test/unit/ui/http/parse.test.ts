import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { UsageError } from '../../../../src/job/errors.ts';
import { actOf, jobPathOf, queryOf } from '../../../../src/ui/http/parse.ts';

const ID = '0199f3c2-8d1e-7000-8d20-0102030405aa';

const queryFrom = (text: string): unknown => queryOf(new URLSearchParams(text), ['before']);

test('a query has what its parameters say, and nothing that they leave empty', () => {
  assert.deepEqual(queryFrom(''), {});
  assert.deepEqual(queryFrom('state=failed,parked&state=running&task=mail&queue=&before=x'), {
    states: ['failed', 'parked', 'running'],
    tasks: ['mail'],
  });
  assert.deepEqual(queryFrom('text=%3Cb%3E&error=E%26x&since=2h&worker=12&key=a,b&group=1f'), {
    since: '2h',
    worker: '12',
    key: 'a,b',
    error: 'E&x',
    text: '<b>',
    group: '1f',
  });
});

describe('a query is refused', () => {
  const cases: readonly [text: string, message: RegExp][] = [
    ['stat=failed', /There is no filter "stat"; did you mean state\?/],
    ['state=faild', /Expected `state` to be one of pending, .*, got "faild"/],
    ['since=yesterday', /Expected `since` to be a duration/],
    [`text=${'x'.repeat(1_001)}`, /Expected `text` to be a text of at most 1000 characters/],
    [`task=${'a,'.repeat(101)}`, /Expected `task` to be at most 100 texts/],
    ['__proto__=1', /There is no filter "__proto__"/],
  ];
  for (const [text, message] of cases)
    test(text.slice(0, 30), () =>
      assert.throws(
        () => queryFrom(text),
        (error) => error instanceof UsageError && message.test(error.message),
      ),
    );
});

test('acts are what they say', () => {
  assert.deepEqual(actOf({ kind: 'retry', ids: [ID], more: 1 }), { kind: 'retry', ids: [ID] });
  assert.deepEqual(actOf({ kind: 'forget', query: { states: ['failed'], group: '1f' }, count: 12 }), {
    kind: 'forget',
    query: { states: ['failed'], group: '1f' },
    count: 12,
  });
  assert.deepEqual(actOf({ kind: 'retry-anew', id: ID, args: [1, { a: null }] }), {
    kind: 'retry-anew',
    id: ID,
    args: [1, { a: null }],
  });
  assert.deepEqual(actOf({ kind: 'pause', queue: 'mail' }), { kind: 'pause', queue: 'mail' });
  assert.deepEqual(actOf({ kind: 'run-schedule', schedule: 'nightly' }), {
    kind: 'run-schedule',
    schedule: 'nightly',
  });
});

describe('an act is refused', () => {
  const cases: readonly [what: string, document: unknown][] = [
    ['that is no object', [{ kind: 'retry', ids: [ID] }]],
    ['that is nothing', null],
    ['of an unknown kind', { kind: 'purge', ids: [ID] }],
    ['without a kind', { ids: [ID] }],
    ['on no jobs', { kind: 'retry', ids: [] }],
    ['on what are no ids', { kind: 'retry', ids: ['a\nb'] }],
    ['on too many ids', { kind: 'retry', ids: Array.from({ length: 1_001 }, () => ID) }],
    ['on all that match, without a count', { kind: 'forget', query: {} }],
    ['on all that match, with half a job', { kind: 'forget', query: {}, count: 1.5 }],
    ['on all that match, with no job', { kind: 'forget', query: {}, count: 0 }],
    ['by a filter that nobody knows, which would widen it', { kind: 'forget', query: { task: ['a'] }, count: 1 }],
    ['by states that are none', { kind: 'forget', query: { states: ['all'] }, count: 1 }],
    ['on a queue that is none', { kind: 'pause', queue: '../x' }],
    ['with arguments that are no array', { kind: 'retry-anew', id: ID, args: { 0: 1 } }],
    ['on a schedule without a name', { kind: 'pause-schedule', schedule: '' }],
  ];
  for (const [what, document] of cases) test(what, () => assert.throws(() => actOf(document), { name: 'UsageError' }));
});

test('the path of a job is one with an id', () => {
  assert.deepEqual(jobPathOf(`/api/jobs/${ID}`), { id: ID, isLog: false });
  assert.deepEqual(jobPathOf(`/api/jobs/${ID}/log`), { id: ID, isLog: true });
  assert.deepEqual(jobPathOf('/api/jobs/repeat%3Aa%2Fb%20%25/log'), { id: 'repeat:a/b %', isLog: true });
  for (const path of ['/api/jobs/', `/api/jobs/${ID}/x`, `/api/jobs/${ID}/log/`, '/api/jobs/%', '/api/jobs/%0a'])
    assert.equal(jobPathOf(path), null, path);
});

test('a job that is named twice is meant once, and ids and a query at once are refused', () => {
  const id = '0199f3c2-8d1e-7000-8d20-0102030405aa';

  assert.deepEqual(actOf({ kind: 'retry', ids: [id, id] }), { kind: 'retry', ids: [id] });
  assert.throws(() => actOf({ kind: 'retry', ids: [id], query: {}, count: 1 }), {
    code: 'FSQ_USAGE',
    message: /got both/,
  });
});
