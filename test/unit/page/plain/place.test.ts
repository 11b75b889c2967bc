import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import {
  fragmentOf,
  jobsAt,
  paramsOf,
  type Place,
  placeOf,
  queryOf,
  strangeParts,
  tokenIn,
  withPart,
} from '../../../../page/plain/place.ts';

describe('a place and its address are the same', () => {
  const cases: readonly (readonly [fragment: string, place: Place])[] = [
    ['#/', { screen: 'overview' }],
    ['#/spool', { screen: 'spool' }],
    ['#/jobs', { screen: 'jobs', query: {}, before: null }],
    [
      '#/jobs?state=failed%2Cparked&task=mail.send&queue=a+b&text=%23%26%3F%25&before=c1',
      {
        screen: 'jobs',
        query: { states: ['failed', 'parked'], tasks: ['mail.send'], queues: ['a b'], text: '#&?%' },
        before: 'c1',
      },
    ],
    ['#/failures?since=1h', { screen: 'failures', query: { since: '1h' } }],
    ['#/jobs/a%2Fb%3F', { screen: 'job', id: 'a/b?' }],
  ];
  for (const [fragment, place] of cases) {
    test(fragment, () => {
      assert.deepEqual(placeOf(fragment), place);
      assert.equal(fragmentOf(place), fragment);
    });
  }
});

describe('an address that says nothing leads to a screen all the same', () => {
  const cases: readonly (readonly [fragment: string, place: Place])[] = [
    ['', { screen: 'overview' }],
    ['#', { screen: 'overview' }],
    ['#/nonsense', { screen: 'overview' }],
    ['#main', { screen: 'overview' }],
    ['#/jobs/%E0%A4%A', { screen: 'job', id: '%E0%A4%A' }],
    ['#/jobs?state=lost,failed&worker=&x=1', { screen: 'jobs', query: { states: ['failed'] }, before: null }],
    ['jobs', { screen: 'jobs', query: {}, before: null }],
  ];
  for (const [fragment, place] of cases) test(fragment, () => assert.deepEqual(placeOf(fragment), place));
});

test('what the server is asked has the names that it knows, and nothing that is empty', () => {
  const query = { states: ['failed'], tasks: ['a', 'b'], worker: '4121', key: '', error: 'E: x' } as const;

  assert.equal(paramsOf(query).toString(), 'state=failed&task=a&task=b&worker=4121&error=E%3A+x');
  assert.deepEqual(queryOf(paramsOf(query)), { states: ['failed'], tasks: ['a', 'b'], worker: '4121', error: 'E: x' });
});

test('a part of a filter is set and taken away, and the others stay', () => {
  const query = { states: ['failed'], text: 'x' } as const;

  assert.deepEqual(withPart(query, 'text', 'y'), { states: ['failed'], text: 'y' });
  assert.deepEqual(withPart(query, 'text', ''), { states: ['failed'] });
  assert.deepEqual(withPart(query, 'states', []), { text: 'x' });
  assert.equal(jobsAt({ queues: ['mail'] }), '#/jobs?queue=mail');
});

test('a token is found in a fragment and in a whole address, and what is none is none', () => {
  assert.equal(tokenIn('#token=a%2Db'), 'a-b');
  assert.equal(tokenIn('http://127.0.0.1:9478/base/#token=a-b_c'), 'a-b_c');
  assert.equal(tokenIn('#token=%'), '%');
  for (const text of ['', '#', '#/jobs?text=token', '#token=', 'a-b_c']) assert.equal(tokenIn(text), null, text);
});

test('what of an address is no filter is told, and the rest is not', () => {
  assert.deepEqual(strangeParts('#/jobs?state=failed,parked&task=a&since=1h&before=x&group=g'), []);
  assert.deepEqual(strangeParts('#/jobs'), []);
  const [filter, state, ...others] = strangeParts('#/jobs?state=faild,failed&sinc=1h');
  assert.match(filter ?? '', /^There is no filter "sinc" \(there are state, task, /);
  assert.match(state ?? '', /^There is no state "faild" \(there are pending, /);
  assert.deepEqual(others, []);
  assert.deepEqual(placeOf('#/jobs?state=failed&state=parked'), {
    screen: 'jobs',
    query: { states: ['failed', 'parked'] },
    before: null,
  });
});
