import assert from 'node:assert/strict';
import test from 'node:test';
import { familiesOf } from '../../../../page/plain/worker-order.ts';
import type { WorkerSummary } from '../../../../src/ui/wire-workers.ts';

const worker = (owner: string, startedAtMs: number, parent: string | null = null): WorkerSummary => ({
  owner,
  pid: 1,
  host: null,
  role: parent === null ? 'supervisor' : 'child',
  verdict: 'alive',
  parent,
  startedAtMs,
  queues: null,
  tasks: [],
  slots: 1,
  jobs: [],
  memoryBytes: null,
  version: null,
  restarts: null,
  loop: null,
});

test('children stand under their supervisor, each in the order of its start', () => {
  const all = [worker('b2', 5, 'b'), worker('b', 2), worker('a1', 9, 'a'), worker('b1', 4, 'b'), worker('a', 1)];

  assert.deepEqual(
    familiesOf(all).map(({ worker: { owner }, isChild }) => (isChild ? `- ${owner}` : owner)),
    ['a', '- a1', 'b', '- b1', '- b2'],
  );
});

test('nobody is lost: a child without its supervisor, and one that names itself', () => {
  const all = [worker('x', 1, 'gone'), worker('y', 2, 'y')];

  assert.deepEqual(
    familiesOf(all).map(({ worker: { owner }, isChild }) => [owner, isChild]),
    [
      ['x', false],
      ['y', false],
    ],
  );
});
