/** Taking a job and the first look at it, which claims, withdrawals and recoveries share. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { BrokerEvent } from '../../../../src/broker/worker-side.ts';
import { encodeBase } from '../../../../src/job/document.ts';
import { encodeTail } from '../../../../src/job/tail.ts';
import type { SpoolContext } from '../../../../src/spool/disk/context.ts';
import { type Holder, takeFrom, type Waiting } from '../../../../src/spool/job-file/holder.ts';
import { jobFileName } from '../../../../src/spool/layout.ts';
import { openTaken } from '../../../../src/spool/claims/open-taken.ts';
import { settle } from '../../../../src/spool/claims/settle.ts';
import { contextOf } from '../../../support/context.ts';
import { jobRecord, returned } from '../../../support/factory.ts';
import { assertSound, namesIn } from '../../../support/invariants.ts';
import { someOwner } from '../../../support/owners.ts';
import { tempSpool } from '../../../support/temp.ts';

const ME = someOwner();
const record = jobRecord();
const base = encodeBase(record);
const ended = (attempt: number): string =>
  base.slice(0, -1) +
  encodeTail([{ attempt, startedAtMs: 1, endedAtMs: 2, owner: ME }], {
    outcome: { state: 'succeeded', value: 'told' },
    standing: { ...from('', attempt - 1).name, attempt },
    endedAtMs: null,
  });

test('a job that waits is taken once, with one attempt more', (t) => {
  const { context, holder, waiting } = setting(t, base);

  const taken = takeFrom(context, holder, waiting);

  assert.equal(taken?.name.attempt, 1);
  assert.equal(readFileSync(taken?.path ?? '', 'utf8'), base);
  assert.equal(takeFrom(context, holder, waiting), null);
});

test('a holder whose directory is gone is told that it was fenced, and takes nothing', (t) => {
  const { context, holder, waiting } = setting(t, base);
  rmdirSync(holder.directory);

  assert.throws(() => takeFrom(context, holder, waiting), { code: 'FSQ_FENCED' });

  assert.equal(readFileSync(waiting.path, 'utf8'), base);
});

test('a job is held, and can be settled', async (t) => {
  const { path, context, holder, waiting } = setting(t, base);

  const held = await open(context, holder, waiting);
  assert.ok(typeof held === 'object');
  await settle(context, held, returned(1), null);

  assert.deepEqual([held.record.job, held.torn, held.baseBytes], [record, false, Buffer.byteLength(base) - 1]);
  assert.deepEqual(namesIn(path, 'results'), [`${record.id}.json`]);
  assertSound(path, [record.id]);
});

test('an outcome of the attempt in the name is published as it stands; one of an earlier attempt is not', async (t) => {
  const { path, context, holder, waiting } = setting(t, ended(2), 1);
  assert.equal(await open(context, holder, waiting), 'done');
  assert.equal(readFileSync(join(path, 'results', `${record.id}.json`), 'utf8'), ended(2));

  const later = setting(t, ended(2), 2);
  const held = await open(later.context, later.holder, later.waiting);

  assert.ok(typeof held === 'object');
  assert.deepEqual(namesIn(later.path, 'results'), []);
});

test('a file that is no job is set aside, and its holder is told', async (t) => {
  const { path, context, holder, waiting, told } = setting(t, 'garbage');

  assert.equal(await open(context, holder, waiting), 'done');

  assert.deepEqual(
    told.map(({ kind }) => kind),
    ['corrupt'],
  );
  assert.deepEqual([namesIn(path, 'results').length, namesIn(path, 'corrupt').length], [1, 1]);
});

test('a job that another process moved meanwhile is gone', async (t) => {
  const { path, context, holder, waiting } = setting(t, base);
  const taken = takeFrom(context, holder, waiting);
  assert.ok(taken !== null);
  renameSync(taken.path, join(path, 'pending', 'elsewhere'));

  assert.equal(await openTaken(context, taken, waiting), 'gone');
});

function from(pending: string, attempt: number): Waiting {
  const name = { id: record.id, queue: 'default', priority: 5, attempt, crashes: 0 };
  return { path: join(pending, jobFileName(name)), name };
}

/** A spool in which `text` waits under the name of a job that ran `attempt` times, and a holder to take it. */
function setting(
  t: TestContext,
  text: string,
  attempt = 0,
): {
  readonly path: string;
  readonly context: SpoolContext;
  readonly holder: Holder;
  readonly waiting: Waiting;
  readonly told: readonly BrokerEvent[];
} {
  const { path } = tempSpool(t);
  const told: BrokerEvent[] = [];
  const holder = { owner: ME, directory: join(path, 'running', ME), onEvent: (event: BrokerEvent) => told.push(event) };
  mkdirSync(holder.directory, { mode: 0o700 });
  const waiting = from(join(path, 'pending'), attempt);
  writeFileSync(waiting.path, text, { mode: 0o600 });
  return { path, context: contextOf(path), holder, waiting, told };
}

async function open(
  context: SpoolContext,
  holder: Holder,
  waiting: Waiting,
): Promise<Awaited<ReturnType<typeof openTaken>>> {
  const taken = takeFrom(context, holder, waiting);
  assert.ok(taken !== null);
  return openTaken(context, taken, waiting);
}
