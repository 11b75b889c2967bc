/** How much the checker holds, how often it reads, and how much it tells, however much there is. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { contextFor, examineSpool, diagnose } from '../../../../src/spool/doctor/examine.ts';
import { type Files, nodeFiles } from '../../../../src/spool/disk/files.ts';
import { nextId } from '../../../support/factory.ts';
import { attempt, jobText, plant } from '../../../support/planted.ts';
import { tempSpool } from '../../../support/temp.ts';

const NO_ALLOWANCE = { allowNetworkFs: false, allowUnsafe: false };

test('what files say is let go once it is judged', async (t) => {
  const { path } = tempSpool(t, { fsync: false });
  const attempts = Array.from({ length: 100 }, (_, i) => attempt({ attempt: i + 1 }));
  for (let i = 0; i < 1_000; i++) {
    const id = nextId();
    plant(path, `results/${id}.json`, jobText({ id }, { attempts, outcome: { state: 'succeeded', value: i } }));
  }
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const heapBytes: number[] = [];
  let looks = 0;
  const entry: Files['entry'] = (location) => {
    if (++looks % 200 === 0) {
      collect();
      heapBytes.push(process.memoryUsage().heapUsed);
    }
    return nodeFiles.entry(location);
  };

  const { findings, outline } = await examineSpool({ ...contextFor(path), files: { ...nodeFiles, entry } });

  assert.deepEqual([findings.kept, outline.counts.results], [[], 1_000]);
  const [first = 0] = heapBytes;
  const grown = Math.max(...heapBytes) - first;
  assert.ok(heapBytes.length >= 5 && grown < 2e6, `it grew by ${grown} bytes; their attempts alone take 10 MB`);
});

test('a file is read once; one that is broken once in each look', async (t) => {
  const { path } = tempSpool(t, { fsync: false });
  const good = Array.from({ length: 20 }, () => nextId());
  for (const id of good) plant(path, `pending/5.${id}.default.0.0.json`, jobText({ id }));
  const broken = plant(path, `pending/5.${nextId()}.default.0.0.json`, 'x');
  const reads = new Map<string, number>();
  const open: Files['open'] = (location, access) => {
    reads.set(location, (reads.get(location) ?? 0) + 1);
    return nodeFiles.open(location, access);
  };

  const { findings } = await examineSpool({ ...contextFor(path), files: { ...nodeFiles, open } });

  assert.deepEqual(
    findings.kept.map(({ code, location }) => [code, location]),
    [['unreadable', broken]],
  );
  assert.equal(reads.get(broken), 3);
  for (const id of good) assert.equal(reads.get(join(path, `pending/5.${id}.default.0.0.json`)), 1);
});

test('of a hundred and fifty broken files a hundred are told, and the others counted; all are repaired', async (t) => {
  const { path } = tempSpool(t, { fsync: false });
  for (let i = 0; i < 150; i++) plant(path, `pending/5.${nextId()}.default.0.0.json`, 'x');

  const sick = await diagnose(contextFor(path, false), { ...NO_ALLOWANCE, repair: false });
  const mended = await diagnose(contextFor(path, false), { ...NO_ALLOWANCE, repair: true });

  assert.equal(sick.findings.filter(({ code }) => code === 'unreadable').length, 100);
  assert.deepEqual(sick.more, {
    repaired: [],
    findings: [{ code: 'unreadable', severity: 'error', canRepair: true, count: 50 }],
  });
  assert.equal(mended.repaired.length, 100);
  assert.deepEqual(mended.more, { repaired: [{ code: 'unreadable', count: 50 }], findings: [] });
  assert.equal(readdirSync(join(path, 'corrupt')).length, 150);
});

test('what was found behind the first hundred is told when these are well in the next look', async (t) => {
  const { path } = tempSpool(t, { fsync: false });
  for (let i = 0; i < 150; i++) plant(path, `pending/5.${nextId()}.default.0.0.json`, 'x');
  const order = [...nodeFiles.walk(join(path, 'pending'))].map((name) => join(path, 'pending', name));
  const wellLater = new Set(order.slice(0, 140));
  const opened = new Set<string>();
  const open: Files['open'] = (location, access) => {
    if (opened.has(location) && wellLater.delete(location)) nodeFiles.unlink(location);
    opened.add(location);
    return nodeFiles.open(location, access);
  };

  const { findings } = await examineSpool({ ...contextFor(path), files: { ...nodeFiles, open } });

  assert.deepEqual([findings.kept.length, findings.cut.length], [10, 0]);
});
