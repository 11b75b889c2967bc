/** What TypeScript infers for those who follow a job. `npm run typecheck` is the test. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { createApp, type Failure, type JobEvent, type JsonValue, type LogLine } from '../../src/index.ts';
import { same } from '../support/same-type.ts';

const { task } = createApp({ spool: '/nowhere', alwaysEager: true });
const add = task('types.followed', async (a: number, b: number) => a + b);

test('lines and events come typed, and a kind says what else there is', async () => {
  const job = await add.delay(1, 2);
  // A job that ran eagerly has no log: this is here to be compiled.
  await assert.rejects(
    async () => {
      for await (const line of job.logs({ follow: true })) same<typeof line, LogLine>();
    },
    { code: 'FSQ_USAGE' },
  );

  const kinds: string[] = [];
  for await (const event of job.events()) {
    same<typeof event, JobEvent>();
    kinds.push(event.kind);
    if (event.kind === 'succeeded') same<typeof event.value, JsonValue | undefined>();
    if (event.kind === 'retried') same<typeof event.error, Failure>();
    if (event.kind === 'log') same<typeof event.text, string>();
    // @ts-expect-error: not every event is of an attempt
    void event.attempt;
  }

  assert.deepEqual(kinds, ['accepted', 'started', 'succeeded']);
});

test('wrong options do not compile', async () => {
  const job = await add.delay(1, 2);
  // @ts-expect-error
  assert.throws(() => job.logs({ follow: 'yes' }), { code: 'FSQ_USAGE' });
  // @ts-expect-error
  assert.throws(() => job.events({ timeout: 5 }), { code: 'FSQ_USAGE' });
});
