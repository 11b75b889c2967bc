/** Files whose tail was cut off in the middle of a character: the job is whole as long as its base is. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe, type TestContext } from 'node:test';
import { encodeBase } from '../../../../src/job/document.ts';
import { encodeTail } from '../../../../src/job/tail.ts';
import { type Reading, readJob } from '../../../../src/spool/job-file/read.ts';
import { MAX_HEADERS_BYTES, MAX_PAYLOAD_BYTES } from '../../../../src/job/values/payload.ts';
import { tempContext } from '../../../support/context.ts';
import { jobRecord, RUN } from '../../../support/factory.ts';
import { forSeeds, jsonValue, text } from '../../../support/random.ts';

/** Characters of one, two, three and four bytes, the replacement character among them. */
const TEXT = 'aé世👋\ufffd';
const JOB = jobRecord({ args: [TEXT, { [TEXT]: [TEXT] }], headers: { [TEXT]: TEXT } });
const BASE = Buffer.from(encodeBase(JOB));
const END = Buffer.from('\n}');
const BASE_BYTES = BASE.length - END.length;
const ATTEMPT = { attempt: 1, ...RUN, owner: '1-0000000000000001', error: { name: TEXT, message: TEXT } };
const TAIL = Buffer.from(
  encodeTail([ATTEMPT], {
    outcome: { state: 'succeeded', value: [TEXT, { [TEXT]: TEXT }] },
    standing: { queue: 'default', priority: 5, attempt: 1, crashes: 0 },
  }),
);

/** What lies behind the first `cut` bytes of a tail. */
const REMAINS: readonly [string, (cut: number) => Buffer][] = [
  ['nothing is behind it', () => Buffer.alloc(0)],
  ['NULs are behind it', (cut) => Buffer.alloc(TAIL.length - cut)],
  ['NULs are behind it, then its end', (cut) => Buffer.concat([Buffer.alloc(3), TAIL.subarray(cut + 3)])],
  ['a part of it is NULs', (cut) => Buffer.concat([Buffer.alloc(1), TAIL.subarray(cut + 1)])],
];

describe('a tail cut at any byte', () => {
  for (const [what, remainsOf] of REMAINS) {
    test(`gives the job, ready for a new tail, where ${what}`, (t) => {
      const read = reader(t);
      // The first byte of a tail stands there already.
      for (let cut = 2; cut < TAIL.length - 1; cut++) {
        const kept = END.subarray(Math.min(cut, END.length));
        const bytes = Buffer.concat([BASE.subarray(0, BASE_BYTES), TAIL.subarray(0, cut), kept, remainsOf(cut)]);

        const reading = read(bytes);

        assert.ok(reading.kind === 'job', `cut at ${cut}: ${JSON.stringify(reading)}`);
        assert.deepEqual(reading.document.record.job, JOB, `cut at ${cut}`);
        assert.equal(reading.document.record.outcome, null, `cut at ${cut}`);
        assert.equal(reading.baseBytes, BASE_BYTES, `cut at ${cut}`);
      }
    });
  }

  test('gives the job whatever the texts are', async (t) => {
    const read = reader(t);
    await forSeeds(300, (random) => {
      const any = jobRecord({ args: [jsonValue(random), text(random)], headers: { [text(random)]: text(random) } });
      const value = [jsonValue(random), text(random), '世'];
      const base = Buffer.from(encodeBase(any).slice(0, -END.length));
      const tail = Buffer.from(
        encodeTail([{ ...ATTEMPT, error: { name: text(random), message: text(random) } }], {
          outcome: { state: 'succeeded', value },
          standing: { queue: 'default', priority: 5, attempt: 1, crashes: 0 },
        }),
      );
      const cut = random.below(tail.length - END.length) + END.length;

      const reading = read(Buffer.concat([base, tail.subarray(0, cut)]), any.id);

      assert.ok(reading.kind === 'job');
      assert.deepEqual(reading.document.record.job, any);
      assert.equal(reading.document.record.outcome, null);
      assert.equal(reading.baseBytes, base.length);
    });
  });
});

describe('bytes that are no character', () => {
  const withBadByte = (bytes: Buffer, at: number): Buffer =>
    Buffer.concat([bytes.subarray(0, at), Buffer.from([0xff]), bytes.subarray(at)]);

  test('in a tail that looks whole make it a torn one: its outcome does not count', (t) => {
    const file = Buffer.concat([BASE.subarray(0, BASE_BYTES), TAIL]);

    const reading = reader(t)(withBadByte(file, file.lastIndexOf('世')));

    assert.ok(reading.kind === 'job');
    assert.equal(reading.document.torn, true);
    assert.equal(reading.document.record.outcome, null);
    assert.equal(reading.baseBytes, BASE_BYTES);
  });

  test('in a base make the file no job, whatever is behind it', (t) => {
    const read = reader(t);
    const tails = [END, TAIL, TAIL.subarray(0, TAIL.lastIndexOf('世') + 1), Buffer.alloc(0), Buffer.alloc(9)];
    for (const tail of tails) {
      const bytes = withBadByte(Buffer.concat([BASE.subarray(0, BASE_BYTES), tail]), BASE.indexOf('世'));
      assert.deepEqual(read(bytes), { kind: 'corrupt', reason: 'it is not UTF-8' });
    }
  });
});

test('the largest job that a producer sends is read with the largest outcome that a worker writes', (t) => {
  const most = 'x'.repeat(MAX_PAYLOAD_BYTES - '[""]'.length);
  const headers = { a: 'x'.repeat(MAX_HEADERS_BYTES - '{"a":""}'.length) };
  const largest = jobRecord({ args: [most], headers, options: { key: '世'.repeat(340), retries: 1_000 } });
  const failed = { name: '世'.repeat(16_384), message: '世'.repeat(16_384), code: '世'.repeat(128) };
  const attempts = Array.from({ length: 1_000 }, () => ({ ...ATTEMPT, error: failed }));
  const tail = encodeTail([...attempts, { ...RUN, attempt: 1_001, owner: ATTEMPT.owner }], {
    outcome: { state: 'succeeded', value: most },
    standing: { queue: 'q'.repeat(64), priority: 9, attempt: 1_001, crashes: 999 },
  });

  const reading = reader(t)(Buffer.from(encodeBase(largest).slice(0, -END.length) + tail), largest.id);

  assert.equal(reading.kind, 'job', JSON.stringify(reading).slice(0, 100));
});

function reader(t: TestContext): (bytes: Buffer, id?: string) => Reading {
  const context = tempContext(t, { fsync: false });
  const path = join(context.layout.tmp, 'one');
  return (bytes, id = JOB.id) => {
    writeFileSync(path, bytes, { mode: 0o600 });
    return readJob(context, path, id);
  };
}
