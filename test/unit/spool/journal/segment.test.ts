import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { encodeBase } from '../../../../src/job/document.ts';
import { delayedFileName, jobFileName } from '../../../../src/spool/layout.ts';
import {
  bytesOffset,
  encodeHeader,
  HEADER_BYTES,
  parseSegment,
  readSegment,
  recordBytes,
  sealRecord,
  type Segment,
} from '../../../../src/spool/journal/segment.ts';
import { tempContext } from '../../../support/context.ts';
import { job, nextId } from '../../../support/factory.ts';

const HEADER = {
  generation: 3,
  boot: 'cf09bf9e-9b7d-4d70-92f5-2bdf3e0198b4',
  owner: '12-34-89abcdef-01234567.f02c9b18.17',
};

/** Records one behind the other, as `[path, base, generation]`, behind a header of generation 3, in a segment of 4 KiB. */
function segmentOf(...records: readonly (readonly [path: string, base: string, generation?: number])[]): Buffer {
  const bytes = Buffer.alloc(4_096);
  encodeHeader(HEADER).copy(bytes);
  let at = HEADER_BYTES;
  for (const [path, base, generation = HEADER.generation] of records) {
    bytes.write(base, at + bytesOffset(path));
    sealRecord(bytes, at, generation, path, Buffer.byteLength(base));
    at += recordBytes(path, Buffer.byteLength(base));
  }
  return bytes;
}

const WAITING = { queue: 'default', priority: 5, attempt: 0, crashes: 0 };
const MAIL = { queue: 'mails', priority: 1, attempt: 0, crashes: 0 };

function pathOf(id: string): string {
  return `pending/${jobFileName({ id, ...WAITING })}`;
}

function idsOf(segment: Segment): readonly string[] {
  assert.equal(segment.kind, 'segment');
  return segment.entries.map(({ id }) => id);
}

test('a segment says of each job where its file was to lie, and what it was to hold', () => {
  const [now, later] = [nextId(), nextId()];
  const delayed = delayedFileName(5_000, { id: later, ...MAIL });
  const base = encodeBase(job({ id: now, args: ['é世👋'] }).job);

  const segment = parseSegment(
    segmentOf([pathOf(now), base], [`delayed/${delayed}`, 'x'], [`results/${later}.json`, 'y']),
  );

  assert.deepEqual(segment, {
    kind: 'segment',
    ...HEADER,
    entries: [
      {
        id: now,
        place: 'pending',
        fileName: pathOf(now).slice('pending/'.length),
        name: { id: now, ...WAITING },
        bytes: Buffer.from(base),
      },
      { id: later, place: 'delayed', fileName: delayed, name: { id: later, ...MAIL }, bytes: Buffer.from('x') },
      { id: later, place: 'results', fileName: `${later}.json`, name: null, bytes: Buffer.from('y') },
    ],
  });
});

test('it can be read with a pager', () => {
  const id = nextId();

  const text = segmentOf([pathOf(id), '{"v":1\n}']).toString('latin1');

  assert.match(text, /^fsq-journal 1 0000000003 cf09bf9e-\S+ 12-34-\S+ [0-9a-f]{8} +\n/);
  assert.match(
    text,
    new RegExp(`\\n[0-9a-f]{8} 0000000003 0000008 pending/5\\.${id}\\.default\\.0\\.0\\.json\\n\\{"v":1\\n\\}\\n\\0`),
  );
});

describe('the records end', () => {
  const [first, second, third] = [nextId(), nextId(), nextId()];
  const whole = segmentOf([pathOf(first), 'a'.repeat(100)], [pathOf(second), 'b'.repeat(100)], [pathOf(third), 'c']);
  const secondAt = HEADER_BYTES + recordBytes(pathOf(first), 100);

  test('behind the last', () => assert.deepEqual(idsOf(parseSegment(whole)), [first, second, third]));

  for (const [what, at] of [
    ['checksum', 0],
    ['line', 30],
    ['bytes', bytesOffset(pathOf(second)) + 50],
    ['last byte', recordBytes(pathOf(second), 100) - 1],
  ] as const)
    test(`before one whose ${what} is damaged`, () => {
      const damaged = Buffer.from(whole);
      damaged[secondAt + at] = 0x7e;

      assert.deepEqual(idsOf(parseSegment(damaged)), [first]);
    });

  test('before one that was not written to its end', () => {
    const torn = Buffer.from(whole).fill(0, secondAt + 80);

    assert.deepEqual(idsOf(parseSegment(torn)), [first]);
  });

  test('before one that is longer than the file', () => {
    assert.deepEqual(idsOf(parseSegment(whole.subarray(0, secondAt + 120))), [first]);
  });

  test('before one of an earlier use', () => {
    const reused = segmentOf([pathOf(first), 'a'], [pathOf(second), 'b', 2]);

    assert.deepEqual(idsOf(parseSegment(reused)), [first]);
  });

  test('before one whose name is no job', () => {
    assert.deepEqual(idsOf(parseSegment(segmentOf([pathOf(first), 'a'], ['pending/../../etc', 'b']))), [first]);
  });
});

test('all records go when the header has the next generation', () => {
  const bytes = segmentOf([pathOf(nextId()), 'a']);
  encodeHeader({ ...HEADER, generation: 4 }).copy(bytes);

  assert.deepEqual(idsOf(parseSegment(bytes)), []);
});

test('zeros are a segment whose making was not finished', () => {
  assert.deepEqual(parseSegment(Buffer.alloc(4_096)), { kind: 'empty' });
  assert.deepEqual(parseSegment(Buffer.alloc(0)), { kind: 'empty' });
});

test('what is no segment is told with the reason', () => {
  const reasonOf = (bytes: Buffer): string => {
    const segment = parseSegment(bytes);
    return segment.kind === 'odd' ? segment.reason : segment.kind;
  };
  const damaged = segmentOf();
  damaged[20] = 0x39;

  assert.match(reasonOf(Buffer.from('garbage '.repeat(200))), /does not begin as a segment/);
  assert.match(
    reasonOf(Buffer.from('fsq-journal 2 0000000001 x y z'.padEnd(600))),
    /is of format 2, and this fsq knows 1/,
  );
  assert.match(reasonOf(damaged), /header is damaged/);
  assert.match(reasonOf(segmentOf().subarray(0, 100)), /header is damaged/);
});

test('of what lies in its place nothing is followed and nothing waited for', (t) => {
  const context = tempContext(t);
  const at = (name: string): string => join(context.layout.journal, name);
  writeFileSync(at('whole'), segmentOf([pathOf(nextId()), 'a']), { mode: 0o600 });
  writeFileSync(at('twice'), segmentOf(), { mode: 0o600 });
  linkSync(at('twice'), at('second'));
  symlinkSync(at('whole'), at('link'));
  mkdirSync(at('folder'));
  execFileSync('mkfifo', [at('fifo')]);

  assert.equal(readSegment(context, at('whole')).kind, 'segment');
  assert.equal(readSegment(context, at('none')).kind, 'gone');
  for (const name of ['second', 'link', 'folder', 'fifo'])
    assert.equal(readSegment(context, at(name)).kind, 'odd', name);
  assert.equal(readFileSync(at('whole')).length, 4_096);
});

test('a segment of another user is not read', (t) => {
  const context = { ...tempContext(t), trustedUids: new Set([4_711]) };
  const path = join(context.layout.journal, 'theirs');
  writeFileSync(path, segmentOf(), { mode: 0o600 });

  const segment = readSegment(context, path);

  assert.equal(segment.kind, 'odd');
  assert.match(segment.reason, /belongs to user/);
});
