import assert from 'node:assert/strict';
import test from 'node:test';
import { overlaps, runsIn, takenOver, verdict } from '../../../scripts/machines/verdict.mjs';

interface Line {
  readonly what: string;
  readonly id: string;
  readonly attempt: number;
  readonly pid: number;
  readonly machine: string;
  readonly atMs: number;
}

const line = (what: string, atMs: number, rest: Partial<Line> = {}): Line => ({
  what,
  id: 'x',
  attempt: 1,
  pid: 7,
  machine: 'a',
  atMs,
  ...rest,
});
const ELSEWHERE = { attempt: 2, pid: 8, machine: 'b' };

test('runs that follow one another are no problem; how long a job took to begin elsewhere is told', () => {
  const runs = runsIn([
    line('begin', 100),
    line('beat', 180),
    line('begin', 900, ELSEWHERE),
    line('end', 950, ELSEWHERE),
  ]);

  assert.deepEqual(verdict(runs, new Map([['x', 'succeeded']])), []);
  assert.deepEqual(takenOver(runs, 'a', 200), [700]);
});

test('a run that was seen alive after the next one began is found', () => {
  const runs = runsIn([
    line('begin', 100),
    line('begin', 300, ELSEWHERE),
    line('beat', 320),
    line('end', 400, ELSEWHERE),
  ]);

  assert.equal(overlaps(runs).length, 1);
  assert.match(verdict(runs, new Map([['x', 'succeeded']]))[0] ?? '', /job x ran on a and b at one time, for 20 ms/);
});

test('a job that was accepted and did not end well, or never ran to its end, is found', () => {
  const runs = runsIn([line('begin', 100)]);

  assert.deepEqual(verdict(runs, new Map([['x', 'FSQ_TIMEOUT']])), [
    'job x is FSQ_TIMEOUT',
    'job x never ran to its end',
  ]);
});
