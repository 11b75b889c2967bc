import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { NO_HISTORY } from '../../../../src/broker/figures/history.ts';
import { nodeFiles } from '../../../../src/spool/disk/files.ts';
import type { SpoolContext } from '../../../../src/spool/disk/context.ts';
import { readStatistics } from '../../../../src/spool/statistics/read-statistics.ts';
import type { KeptFigures } from '../../../../src/spool/statistics/statistics-file.ts';
import { checkSpool } from '../../../oracle/check.ts';
import { tempContext } from '../../../support/context.ts';
import { figuresFile, plantFigures, succeededIn } from '../../../support/figures.ts';
import { plant } from '../../../support/planted.ts';

const NOW = 1_795_716_000_000;
const [A, B, C] = ['1-000000000000000a', '2-000000000000000b', '3-000000000000000c'] as const;

const figures = (succeeded: number, parts: Partial<KeptFigures> = {}): string => figuresFile(succeeded, parts, NOW);

function spoolWith(t: TestContext, files: Readonly<Record<string, string>>): SpoolContext {
  const context = tempContext(t, { nowMs: () => NOW });
  plantFigures(context.layout.root, files);
  return context;
}

test('where nothing was counted there is nothing, and no directory either', (t) => {
  const context = tempContext(t);

  assert.deepEqual(readStatistics(context), {
    tasks: [],
    crashes: {},
    restarts: 0,
    sinceMs: null,
    history: NO_HISTORY,
  });
});

test('the figures of all processes add up, of those that have ended too', async (t) => {
  const context = spoolWith(t, {
    [`${A}.json`]: figures(2),
    [`${B}.json`]: figures(3, { sinceMs: 5 }),
    [`${C}~${A}.json`]: figures(4),
  });

  const { sinceMs, history } = readStatistics(context);

  assert.equal(succeededIn(context), 9);
  assert.deepEqual([sinceMs, history.seconds[0]?.ended], [5, 9]);
  assert.deepEqual(await checkSpool(context.layout.root), []);
});

test('figures that another file holds already count once', (t) => {
  const context = spoolWith(t, { [`${A}.json`]: figures(5, { taken: [B] }), [`${B}~${A}.json`]: figures(3) });

  assert.equal(succeededIn(context), 5);
});

test('an owner that was taken for dead, and counts on, counts with what it counts from then on', (t) => {
  const context = spoolWith(t, { [`${A}.json`]: figures(5, { taken: [B] }), [`${B}.json`]: figures(3) });

  assert.equal(succeededIn(context), 8);
});

test('figures that are taken over while they are read count once', (t) => {
  const context = spoolWith(t, { [`${A}.json`]: figures(2), [`${B}.json`]: figures(3) });
  const { root, statistics } = context.layout;
  let isTaken = false;
  // After A's file was read, A takes over those of B.
  const files: typeof nodeFiles = {
    ...nodeFiles,
    open: (path, access) => {
      if (path.endsWith(`${B}.json`) && !isTaken) {
        isTaken = true;
        plant(root, `statistics/${A}.json`, figures(5, { taken: [B] }));
        nodeFiles.unlink(join(statistics, `${B}.json`));
      }
      return nodeFiles.open(path, access);
    },
  };

  assert.equal(succeededIn({ ...context, files }), 5);
  assert.ok(isTaken);
});

test('what is no figures counts for nothing, harms nothing, and the doctor tells of it', async (t) => {
  const names = Array.from({ length: 9 }, (_, i) => `${i + 10}-000000000000000d.json`);
  const [garbage = '', huge = '', folder = '', link = '', future = '', empty = '', list = '', half = ''] = names;
  const context = spoolWith(t, {
    [`${A}.json`]: figures(2),
    [garbage]: '\u0000\u0001 garbage',
    [huge]: figures(1),
    [future]: figures(7).replace('"v":1', '"v":2'),
    [empty]: '',
    [list]: '[]',
    [half]: figures(1).slice(0, 100),
    'notes.txt': 'mine',
  });
  truncateSync(join(context.layout.statistics, huge), 1024 ** 3);
  mkdirSync(join(context.layout.statistics, folder), { mode: 0o700 });
  symlinkSync(join(context.layout.statistics, `${A}.json`), join(context.layout.statistics, link));

  assert.equal(succeededIn(context), 2);

  const told = (await checkSpool(context.layout.root)).map(({ code, message }) => [code, message] as const);
  const unreadable = told.filter(([code]) => code === 'statistics-unreadable').map(([, message]) => message);
  for (const [name, reason] of [
    [garbage, 'it is not JSON'],
    [huge, 'it has 1073741824 bytes, more than 1048576'],
    [folder, 'it is not a regular file'],
    [link, 'it is a symbolic link'],
    [future, 'it has version 2, and this fsq knows 1'],
    [empty, 'it is not JSON'],
    [list, 'it is no JSON object'],
    [half, 'it is not JSON'],
  ] as const)
    assert.ok(
      unreadable.some((message) => message.includes(`${name} cannot be read: ${reason}.`)),
      `${name}: ${unreadable.join('\n')}`,
    );
  assert.deepEqual(
    told
      .map(([code]) => code)
      .filter((code) => code !== 'statistics-unreadable')
      .toSorted(),
    ['foreign', 'symbolic-link'],
  );
});

test('a history that cannot be read costs no counter', (t) => {
  const text = figures(2).replace('"seconds":[', '"seconds":[5,');
  const context = spoolWith(t, { [`${A}.json`]: text });

  assert.equal(succeededIn(context), 2);
  assert.deepEqual(readStatistics(context).history, NO_HISTORY);
});
