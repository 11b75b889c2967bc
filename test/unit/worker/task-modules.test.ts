import assert from 'node:assert/strict';
import { renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { FileWatch } from '../../../src/worker/task-modules.ts';
import { tempDir } from '../../support/temp-dir.ts';

test('a change is told once, when the file has stayed the same from one look to the next', (t) => {
  const { path, told, look } = watched(t, ['a', 'b', 'c']);

  writeFileSync(path('a'), 'half');
  look();
  writeFileSync(path('a'), 'the whole of it');
  writeFileSync(path('b'), 'too');
  look();
  assert.deepEqual(told, []);

  look();
  look();
  assert.deepEqual(told, [[path('a'), path('b')]]);
});

test('a file that comes, goes, or is replaced by one of the same size has changed', (t) => {
  const { path, told, look } = watched(t, ['gone', 'replaced', 'later']);
  rmSync(path('later'));
  look();
  look();

  rmSync(path('gone'));
  writeFileSync(path('later'), 'x');
  writeFileSync(path('new'), 'x');
  renameSync(path('new'), path('replaced'));
  look();
  look();

  assert.deepEqual(told, [[path('later')], [path('gone'), path('replaced'), path('later')]]);
});

test('a link has changed when it leads to another file, whatever its own name', (t) => {
  const { path, told, look, watch } = watched(t, ['one', 'two']);
  symlinkSync('one', path('link'));
  watch.add([path('link')]);

  symlinkSync('two', path('other'));
  renameSync(path('other'), path('link'));
  look();
  look();

  assert.deepEqual(told, [[path('link')]]);
});

function watched(
  t: TestContext,
  names: readonly string[],
): { path: (name: string) => string; told: (readonly string[])[]; look: () => void; watch: FileWatch } {
  const folder = tempDir(t);
  const path = (name: string): string => join(folder, name);
  for (const name of names) writeFileSync(path(name), 'x');
  t.mock.timers.enable({ apis: ['setInterval'] });
  const told: (readonly string[])[] = [];
  const watch = new FileWatch((paths) => void told.push(paths));
  t.after(() => watch.close());
  watch.add(names.map(path));
  return { path, told, look: () => t.mock.timers.tick(250), watch };
}
