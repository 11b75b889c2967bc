import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JobIndex } from '../../../../../src/ui/desk/index/job-index.ts';
import { detailOf } from '../../../../../src/ui/desk/job/job-detail.ts';
import { nextId } from '../../../../support/factory.ts';
import { attempt, jobText, plant } from '../../../../support/planted.ts';
import { tempSpool } from '../../../../support/temp.ts';

test('a job with thousands of attempts and headers is told in part, with how much is left out', async (t) => {
  const { path, broker } = tempSpool(t);
  const id = nextId();
  const attempts = Array.from({ length: 5_000 }, (_, i) =>
    attempt({ attempt: i + 1, startedAtMs: 2_000 + 10 * i, endedAtMs: 2_001 + 10 * i }),
  );
  const headers = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`h${i}`, 'x']));
  const outcome = { state: 'failed', error: { name: 'Error', message: 'no' } } as const;
  plant(path, `results/${id}.json`, jobText({ id, headers }, { attempts, outcome }));

  const job = await detailOf(broker, id, { index: new JobIndex(), hidesArguments: false, nowMs: Date.now() });

  assert.deepEqual(job?.leftOut, { attempts: 4_900, stretches: 9_800, headers: 800 });
  assert.deepEqual([job?.attempts.length, job?.attempts.at(-1)?.attempt], [100, 5_000]);
  assert.deepEqual([job?.timeline?.length, job?.timeline?.at(-1)?.toMs], [200, 51_991]);
  assert.deepEqual(Object.keys(job?.headers ?? {}).length, 200);
  assert.ok(JSON.stringify(job).length < 100_000);
});

test('the time in which a job had ended, until it was sent back, is no wait', async (t) => {
  const { path, broker } = tempSpool(t);
  const id = nextId();
  const runs = [attempt(), { ...attempt(), attempt: 2, startedAtMs: 500_000, endedAtMs: 501_000 }];
  plant(
    path,
    `results/${id}.json`,
    jobText({ id }, { attempts: runs, outcome: { state: 'succeeded', value: 1 } }).replace(
      '"state"',
      '"again":1,"state"',
    ),
  );

  const told = await detailOf(broker, id, { index: new JobIndex(), hidesArguments: false, nowMs: Date.now() });

  assert.deepEqual(
    told?.timeline?.map(({ kind }) => kind),
    ['waited', 'ran', 'ended', 'ran'],
  );
  assert.deepEqual([told.waitedMs, told.ranMs], [1_000, 2_000]);
});

test('a run of which nobody knows when it began is not told to have taken no time', async (t) => {
  const { path, broker } = tempSpool(t);
  const [id, other] = [nextId(), nextId()];
  const outcome = { state: 'succeeded', value: 1 } as const;
  const { startedAtMs: _, ...unknown } = attempt();
  plant(path, `results/${id}.json`, jobText({ id }, { attempts: [unknown], outcome }));
  plant(path, `results/${other}.json`, jobText({ id: other }, { attempts: [attempt()], outcome }));
  const options = { index: new JobIndex(), hidesArguments: false, nowMs: Date.now() };

  const [job, told] = [await detailOf(broker, id, options), await detailOf(broker, other, options)];

  assert.deepEqual([job?.ranMs, job?.totalMs], [null, 2_000]);
  assert.deepEqual([told?.waitedMs, told?.ranMs, told?.totalMs], [1_000, 1_000, 2_000]);
});

test('an attempt and its stretch in the timeline end with the same word', async (t) => {
  const { path, broker } = tempSpool(t);
  const id = nextId();
  const lost = { name: 'WorkerLostError', message: 'gone', code: 'FSQ_WORKER_LOST' };
  const revoked = { name: 'RevokedError', message: 'revoked', code: 'FSQ_REVOKED' };
  const attempts = [
    attempt({ attempt: 1, startedAtMs: 2_000, endedAtMs: 3_000, error: lost }),
    attempt({ attempt: 2, startedAtMs: 4_000, endedAtMs: 5_000, error: { name: 'Error', message: 'no' } }),
    attempt({ attempt: 3, startedAtMs: 6_000, endedAtMs: 7_000, error: revoked }),
  ];
  plant(path, `results/${id}.json`, jobText({ id }, { attempts, outcome: { state: 'revoked', error: revoked } }));

  const job = await detailOf(broker, id, { index: new JobIndex(), hidesArguments: false, nowMs: Date.now() });

  const ran = job?.timeline?.filter(({ kind }) => kind === 'ran') ?? [];
  const words = ['lost its process', 'failed', 'was revoked'];
  assert.deepEqual(
    job?.attempts.map(({ how }) => how),
    words,
  );
  assert.deepEqual(
    ran.map(({ text }) => text),
    words.map((word, i) => `attempt ${i + 1} ${word}`),
  );
  assert.deepEqual(
    job?.attempts.map(({ end }) => end),
    ran.map(({ end }) => end),
  );
});

test('the command that sends a job with other arguments has its own to begin with, where these are shown and short', async (t) => {
  const { path, broker } = tempSpool(t);
  const [small, large] = [nextId(), nextId()];
  const outcome = { state: 'succeeded', value: 1 } as const;
  plant(
    path,
    `results/${small}.json`,
    jobText({ id: small, args: ["it's", { n: 1 }] }, { attempts: [attempt()], outcome }),
  );
  plant(
    path,
    `results/${large}.json`,
    jobText({ id: large, args: ['x'.repeat(1_000)] }, { attempts: [attempt()], outcome }),
  );
  const given = async (id: string, hidesArguments: boolean): Promise<string | undefined> => {
    const job = await detailOf(broker, id, { index: new JobIndex(), hidesArguments, nowMs: Date.now() });
    return /--args (.*) --spool/.exec(
      job?.commands.find(({ command }) => command.includes('--args'))?.command ?? '',
    )?.[1];
  };

  assert.equal(await given(small, false), `'["it'\\''s",{"n":1}]'`);
  assert.deepEqual([await given(small, true), await given(large, false)], ["'[]'", "'[]'"]);
});
