/** A stream that refuses: nothing throws, nothing waits, and what is lost is counted and told. */
import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { Outlet } from '../../../src/worker/outlet.ts';

interface Reader {
  readonly stream: Writable;
  readonly read: string[];
  /** What a write comes to: taken, kept waiting, refused later, or refused at once by an exception. */
  mode: 'takes' | 'stands' | 'fails' | 'throws';
  /** Takes what waits. */
  goOn(): Promise<void>;
}

function reader(): Reader {
  const read: string[] = [];
  let waiting: (() => void) | null = null;
  const at: Reader = {
    read,
    mode: 'takes',
    stream: new Writable({
      autoDestroy: false,
      emitClose: false,
      write(chunk: Buffer, _encoding, done) {
        const take = (): void => {
          read.push(chunk.toString());
          done();
        };
        if (at.mode === 'takes') take();
        if (at.mode === 'stands') waiting = take;
        if (at.mode === 'fails') process.nextTick(() => done(Object.assign(new Error('EPIPE'), { code: 'EPIPE' })));
        if (at.mode === 'throws') throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
      },
    }),
    goOn: async () => {
      at.mode = 'takes';
      waiting?.();
      await new Promise(setImmediate);
    },
  };
  return at;
}

test('lines for a reader that stands still wait up to a bound; the rest is counted, and told when it reads again', async () => {
  const at = reader();
  const told: string[] = [];
  const outlet = new Outlet(at.stream, (lines, why) => told.push(`${lines}: ${why}`));
  const kilobyte = `${'x'.repeat(1_023)}\n`;
  at.mode = 'stands';

  for (let i = 0; i < 5_000; i++) outlet.write(kilobyte);

  assert.ok(at.stream.writableLength <= 1_100_000, `${at.stream.writableLength} bytes wait`);
  assert.deepEqual(told, []);
  await at.goOn();
  assert.deepEqual(told, [`${5_000 - 1_024}: its reader stands still`]);
  assert.equal(at.read.length, 1_024);
});

test('what throws is dropped as what fails later is; each line counts, of a chunk all of its own', async () => {
  const at = reader();
  const told: string[] = [];
  const outlet = new Outlet(at.stream, (lines, why) => told.push(`${lines}: ${why}`));
  let dones = 0;

  at.mode = 'throws';
  outlet.write(Buffer.from('a\nb\n'), () => dones++);
  await new Promise(setImmediate);
  const again = reader();
  const second = new Outlet(again.stream, (lines, why) => told.push(`${lines}: ${why}`));
  again.mode = 'fails';
  second.write('no newline');
  await new Promise(setImmediate);
  outlet.tellLast();
  second.tellLast();
  second.tellLast();

  assert.equal(dones, 1);
  assert.deepEqual(told, ['2: ENOSPC', '1: EPIPE']);
});

test('a flush ends when all is written, and says when something still waits', async () => {
  const at = reader();
  const outlet = new Outlet(at.stream, () => undefined);
  assert.equal(await outlet.flush(1), true);

  at.mode = 'stands';
  outlet.write('a\n');
  assert.equal(await outlet.flush(1), false);

  const flushed = outlet.flush(20_000);
  await at.goOn();
  assert.equal(await flushed, true);
});
