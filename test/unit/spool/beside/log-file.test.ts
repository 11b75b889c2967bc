import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe } from 'node:test';
import type { BrokerEvent } from '../../../../src/broker/worker-side.ts';
import type { PrintedLog } from '../../../../src/job/values/printed-log.ts';
import type { LogLine } from '../../../../src/job/values/log-lines.ts';
import { logFile, type PrintingRun } from '../../../../src/spool/beside/log-file.ts';
import { readLog } from '../../../../src/spool/beside/read-log.ts';
import type { SpoolContext } from '../../../../src/spool/disk/context.ts';
import { nodeFiles } from '../../../../src/spool/disk/files.ts';
import { tempContext } from '../../../support/context.ts';
import { nextId } from '../../../support/factory.ts';
import { faultyFiles } from '../../../support/faulty-files.ts';

const KB = 1024;

function runOf(parts: Partial<PrintingRun> = {}): PrintingRun {
  return { id: nextId(), attempt: 1, maxBytes: 64 * KB, ...parts };
}

function linesOf(context: SpoolContext, id: string): readonly LogLine[] {
  const lines: LogLine[] = [];
  for (let position = 0; ;) {
    const part = readLog(context, id, position);
    if (part.lines.length === 0) return lines;
    lines.push(...part.lines);
    position = part.position;
  }
}

function textsOf(context: SpoolContext, id: string): readonly string[] {
  return linesOf(context, id).map(({ stream, text }) => `${stream} ${text}`);
}

test('each line is there as soon as it has ended, with its time and stream; the last at the end of the run', (t) => {
  const context = tempContext(t, { nowMs: () => 1_000 });
  const run = runOf();
  const log = logFile(context, run);

  log.print('stdout', 'one\ntw');
  log.print('stderr', 'oh\n');
  const before = textsOf(context, run.id);
  log.print('stdout', 'o\n');
  log.print('stdout', Buffer.from('thr€e').subarray(0, 4));
  log.print('stdout', Buffer.from('thr€e').subarray(4));
  log.end();

  assert.deepEqual(before, ['stdout one', 'stderr oh']);
  assert.deepEqual(textsOf(context, run.id), ['stdout one', 'stderr oh', 'stdout two', 'stdout thr€e']);
  assert.deepEqual(linesOf(context, run.id)[0], { atMs: 1_000, stream: 'stdout', text: 'one' });
  assert.equal(statSync(join(context.layout.logs, `${run.id}.log`)).mode & 0o7777, 0o600);
});

test('a run that prints nothing makes no system call', (t) => {
  const { files, calls } = faultyFiles(nodeFiles);
  const context = tempContext(t, { files });
  logFile(context, runOf()).end();

  assert.equal(calls.size, 0);
});

describe('a log that is full keeps its beginning and its end, and says how much lay between:', () => {
  const cases: readonly [what: string, print: (log: PrintedLog) => void][] = [
    ['line by line', (log) => Array.from({ length: 20_000 }, (_, i) => log.print('stdout', `line ${i}\n`))],
    ['in pieces of lines', (log) => [...lines(20_000)].forEach((letter) => log.print('stdout', letter))],
    ['all at once', (log) => log.print('stdout', lines(20_000))],
    ['as bytes', (log) => log.print('stdout', Buffer.from(lines(20_000)))],
  ];
  for (const [what, print] of cases) {
    test(what, (t) => {
      const context = tempContext(t);
      const run = runOf();
      const log = logFile(context, run);

      print(log);
      log.end();

      const all = linesOf(context, run.id);
      const printed = all.filter(({ stream }) => stream === 'stdout').map(({ text }) => text);
      const said = all.filter(({ stream }) => stream === 'fsq').map(({ text }) => text);
      assert.ok(statSync(join(context.layout.logs, `${run.id}.log`)).size <= 64 * KB);
      assert.deepEqual([printed[0], printed.at(-1)], ['line 0', 'line 19999']);
      assert.ok(printed.length > 1_000, `${printed.length} lines`);
      assert.deepEqual(
        printed.filter((line) => !/^line \d+$/.test(line)),
        [],
        'no line is cut',
      );
      assert.match(said[0] ?? '', /nearly full/);
      assert.match(said[1] ?? '', /^\d+ lines \(\d+ kB\) left out here$/);
      const gap = printed.findIndex((line, i) => i > 0 && number(line) !== number(printed[i - 1] ?? '') + 1);
      assert.ok(gap > 0, 'there is a gap');
      assert.deepEqual(
        printed.slice(gap + 1).filter((line, i) => number(line) !== number(printed[gap + i] ?? '') + 1),
        [],
        'there is one gap only',
      );
    });
  }

  const lines = (count: number): string => Array.from({ length: count }, (_, i) => `line ${i}\n`).join('');
  const number = (line: string): number => Number(line.slice(5));
});

test('a gigabyte is printed in bounded memory, and quickly', (t) => {
  const context = tempContext(t);
  const run = runOf({ maxBytes: KB * KB });
  const log = logFile(context, run);
  const chunk = `${`${'x'.repeat(1_023)}\n`.repeat(1_024)}`;

  const before = process.memoryUsage.rss();
  for (let i = 0; i < 1_024; i++) log.print('stdout', i % 2 === 0 ? chunk : Buffer.from(chunk));
  log.end();
  const grownMb = (process.memoryUsage.rss() - before) / 1e6;

  assert.ok(grownMb < 150, `it took ${grownMb} MB`);
  assert.ok(statSync(join(context.layout.logs, `${run.id}.log`)).size <= KB * KB);
});

test('each attempt has half of the room at least, and says when it begins', (t) => {
  const context = tempContext(t);
  const run = runOf({ maxBytes: 8 * KB });
  const printIn = (attempt: number, text: string): void => {
    const log = logFile(context, { ...run, attempt });
    log.print('stdout', text);
    log.end();
  };

  printIn(1, 'first\n');
  printIn(2, `${'x'.repeat(5_000)}\n`);
  const two = textsOf(context, run.id);
  printIn(3, 'third\n');

  assert.deepEqual(two, ['stdout first', 'fsq attempt 2', `stdout ${'x'.repeat(5_000)}`]);
  const [begin, ...rest] = textsOf(context, run.id);
  assert.match(begin ?? '', /^fsq attempt 3; the log of the attempts before \(5 kB\) left no room and is gone$/);
  assert.deepEqual(rest, ['stdout third']);
});

test('two processes that print for one job mix whole lines only', (t) => {
  const context = tempContext(t);
  const run = runOf();
  const [one, other] = [logFile(context, run), logFile(context, run)];

  for (let i = 0; i < 2_000; i++) {
    one.print('stdout', `one ${i}\n`);
    other.print('stderr', `other ${i}\n`);
  }
  one.end();
  other.end();

  assert.ok(statSync(join(context.layout.logs, `${run.id}.log`)).size <= 64 * KB);
  const odd = textsOf(context, run.id).filter((line) => !/^(stdout one \d+|stderr other \d+|fsq .*)$/.test(line));
  assert.deepEqual(odd, []);
});

describe('where the disk refuses, the run goes on and it is told once:', () => {
  for (const operation of ['open', 'create', 'info', 'write', 'close'] as const) {
    test(operation, (t) => {
      const faulty = faultyFiles(nodeFiles);
      const context = tempContext(t, { files: faulty.files });
      const events: BrokerEvent[] = [];
      const log = logFile(context, runOf({ onEvent: (event) => events.push(event) }));
      faulty.plan({ operation, call: 1, errno: 'ENOSPC', lasts: 'for good' });

      for (let i = 0; i < 5; i++) log.print('stdout', 'a line\n');
      log.end();

      assert.deepEqual(
        events.map(({ kind }) => kind),
        ['unlogged'],
      );
      assert.equal(faulty.hasFailed(), true);
    });
  }
});

describe('where the disk refuses the end of a log, nothing is thrown and it is told once:', () => {
  for (const operation of ['write', 'close'] as const) {
    test(operation, (t) => {
      const faulty = faultyFiles(nodeFiles);
      const context = tempContext(t, { files: faulty.files });
      const events: BrokerEvent[] = [];
      const log = logFile(context, runOf({ onEvent: (event) => events.push(event) }));
      log.print('stdout', 'a line\nthe beginning of one');
      // A write that fails is followed by a close that fails, too.
      faulty.plan({
        operation: operation === 'write' ? 'any' : operation,
        call: 1,
        errno: 'EDQUOT',
        lasts: 'for good',
      });

      log.end();

      assert.deepEqual(
        events.map(({ kind }) => kind),
        ['unlogged'],
      );
      assert.equal(faulty.hasFailed(), true);
    });
  }
});

test('a directory that is gone is made anew; one that is a file is left', (t) => {
  const context = tempContext(t);
  const run = runOf();
  const events: BrokerEvent[] = [];
  const print = (id: string): void => {
    const log = logFile(context, { ...run, id, onEvent: (event) => events.push(event) });
    log.print('stdout', 'a line\n');
    log.end();
  };

  rmSync(context.layout.logs, { recursive: true });
  print(run.id);
  rmSync(context.layout.logs, { recursive: true });
  writeFileSync(context.layout.logs, '');
  print(nextId());

  assert.equal(statSync(context.layout.logs).isFile(), true);
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['unlogged'],
  );
});

test('a symbolic link is neither written nor read, and no file is none', (t) => {
  const context = tempContext(t);
  const run = runOf();
  const target = join(context.layout.root, '../target');
  writeFileSync(target, '2026-11-26T20:59:03.120Z out secret\n');
  symlinkSync(target, join(context.layout.logs, `${run.id}.log`));
  const log = logFile(context, run);

  log.print('stdout', 'a line\n');
  log.end();

  assert.equal(readFileSync(target, 'utf8'), '2026-11-26T20:59:03.120Z out secret\n');
  assert.deepEqual(readLog(context, run.id, 0), { lines: [], position: 0 });
  assert.deepEqual(readLog(context, nextId(), 7), { lines: [], position: 7 });
  mkdirSync(join(context.layout.logs, `${nextId()}.log`));
});

test('a reader goes on where it was, waits for the end of a line, and begins anew with a log that does', (t) => {
  const context = tempContext(t);
  const { id } = runOf();
  const path = join(context.layout.logs, `${id}.log`);
  const line = '2026-11-26T20:59:03.120Z out a\n';

  writeFileSync(path, `${line}2026-11-26T20:59`, { mode: 0o600 });
  const first = readLog(context, id, 0);
  writeFileSync(path, `${line}${line}garbage\n`);
  const second = readLog(context, id, first.position);
  writeFileSync(path, line);
  const third = readLog(context, id, second.position);

  assert.deepEqual([first.lines.length, first.position], [1, line.length]);
  assert.deepEqual([second.lines.length, second.position], [1, 2 * line.length + 8]);
  assert.deepEqual([third.lines.length, third.position], [1, line.length]);
  chmodSync(path, 0o600);
  assert.equal(existsSync(path), true);
});
