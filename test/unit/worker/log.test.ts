import assert from 'node:assert/strict';
import test from 'node:test';
import { brokerEventLogger, createLogger, logParked } from '../../../src/worker/log.ts';

const HOUR_MS = 3_600_000;

test('a task that nobody knows is told of once, and once an hour, whatever its jobs are', () => {
  const lines: string[] = [];
  const log = createLogger('info', 'text', (line) => lines.push(line));
  const tell = (id: string, task: string, atMs: number): void => logParked(log, { id, task, reason: 'why' }, atMs);

  for (let minute = 0; minute < 60; minute++) for (const id of ['1', '2']) tell(id, 'ad', minute * 60_000);
  tell('3', 'other', 0);
  assert.deepEqual(
    lines.map((line) => /WARN {2}(\S+ \S+) is parked: why; /.exec(line)?.[1]),
    ['ad 1', 'other 3'],
  );
  tell('2', 'ad', HOUR_MS);
  tell('1', 'ad', HOUR_MS + 1);

  assert.equal(lines.length, 3);
  assert.match(lines[2] ?? '', /ad 2 is parked/);
});

test('each worker tells of it, and a thousand names from outside take no more memory', () => {
  const lines: string[] = [];
  const loggers = [0, 1].map(() => createLogger('info', 'json', (line) => lines.push(line)));

  for (const log of loggers) logParked(log, { id: '1', task: 'ad', reason: 'why' }, 0);
  assert.equal(lines.length, 2);
  const { job, task, level } = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
  assert.deepEqual([job, task, level], ['1', 'ad', 40]);
  for (let i = 0; i < 1_000; i++)
    for (const log of loggers.slice(1)) logParked(log, { id: '1', task: `t${i}`, reason: '' }, 0);
  for (const log of loggers) logParked(log, { id: '1', task: 'ad', reason: 'why' }, 0);

  assert.equal(lines.length, 1_003);
});

test('that a store cannot be used is told once: the worker ends for it', () => {
  const lines: string[] = [];
  const tell = brokerEventLogger(createLogger('info', 'text', (line) => lines.push(line)));

  for (let i = 0; i < 3; i++) tell({ kind: 'unusable', error: new Error(`no ${i}`) });

  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /the spool cannot be used: .*no 0/);
});
