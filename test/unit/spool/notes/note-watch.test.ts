import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { nodeFiles } from '../../../../src/spool/disk/files.ts';
import { NoteWatch } from '../../../../src/spool/notes/note-watch.ts';
import { standstill } from '../../../support/clock.ts';
import { until } from '../../../support/conditions.ts';
import { tempDir } from '../../../support/temp.ts';

const COST_MS = 4;

test('a thousand changes that come at once cost a few looks, and the last of them is seen', async (t) => {
  const directory = join(tempDir(t), 'cancel');
  mkdirSync(directory);
  let tell: (name: string | null) => void = () => undefined;
  let looks = 0;
  let seen = 0;
  const watch = new NoteWatch(
    { ...nodeFiles, watch: (_path, onEvent) => ((tell = onEvent), { close: () => undefined }) },
    {
      directory,
      read: () => {
        looks++;
        for (const end = performance.now() + COST_MS; performance.now() < end;);
        return new Set(readdirSync(directory));
      },
      onFound: ({ size }) => (seen = size),
      onTrouble: (error) => assert.fail(String(error)),
    },
  );
  t.after(() => watch.stop());
  watch.start();
  const before = looks;
  const startedAt = performance.now();

  for (let i = 0; i < 1_000; i++) {
    writeFileSync(join(directory, String(i)), '');
    tell(String(i));
    if (i % 10 === 0) await turn();
  }

  const tookMs = performance.now() - startedAt;
  await until(() => seen === 1_000, 'all thousand are seen');
  // The poll looks as well, at most every 20 ms.
  assert.ok(looks - before <= 3 + tookMs / (5 * COST_MS) + tookMs / 20, `${looks - before} looks in ${tookMs} ms`);
});

test('a change after a while of peace is looked at in the same moment', (t) => {
  const directory = tempDir(t);
  let tell: (name: string | null) => void = () => undefined;
  let looks = 0;
  const watch = new NoteWatch(
    { ...nodeFiles, watch: (_path, onEvent) => ((tell = onEvent), { close: () => undefined }) },
    { directory, read: () => new Set([looks++]), onFound: () => undefined, onTrouble: () => undefined },
  );
  t.after(() => watch.stop());
  const time = standstill(t); // The first look is one that costs nothing.
  watch.start();
  time.goOn();
  for (const end = performance.now() + 20; performance.now() < end;);

  tell('x');

  assert.equal(looks, 2);
});
