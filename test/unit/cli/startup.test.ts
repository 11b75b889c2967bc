/** What a command loads before it does anything: `fsq call` in a shell loop must start quickly. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const SRC = fileURLToPath(new URL('../../../src', import.meta.url));

/** The files and modules that importing these loads at once; imports of types and import() are not among them. */
function loadedBy(...files: readonly string[]): ReadonlySet<string> {
  const loaded = new Set<string>();
  const todo = files.map((file) => resolve(SRC, file));
  for (let path = todo.pop(); path !== undefined; path = todo.pop()) {
    if (loaded.has(path)) continue;
    loaded.add(path);
    if (!path.startsWith(SRC)) continue; // Of Node, or of a package.
    const text = readFileSync(path, 'utf8');
    for (const [, specifier = ''] of text.matchAll(/^(?:import|export)(?! type\b)[^;]*?\bfrom '([^']+)';/gms))
      todo.push(specifier.startsWith('.') ? resolve(dirname(path), specifier) : specifier);
  }
  return loaded;
}

test('fsq call loads neither the worker nor what starts processes, nor another command', () => {
  const loaded = loadedBy('cli/main.ts', 'cli/commands/call/call.ts');

  assert.ok(loaded.has(resolve(SRC, 'app/app.ts')), 'the walk finds what is loaded');
  const unwanted = [...loaded].filter(
    (path) => path.startsWith(`${SRC}/worker/`) || /^node:(child_process|cluster|worker_threads)$/.test(path),
  );
  assert.deepEqual(unwanted, []);
  for (const other of ['commands/worker/worker', 'commands/look/status', 'help'])
    assert.ok(!loaded.has(resolve(SRC, `cli/${other}.ts`)), other);
});

test('the command line itself loads no command, no app and no spool', () => {
  const loaded = [...loadedBy('cli/main.ts')]
    .filter((path) => path.startsWith(SRC))
    .map((path) => path.slice(SRC.length + 1));

  assert.deepEqual(
    loaded.filter((path) => /^app\/|^broker\//.test(path)),
    [],
  );
  assert.deepEqual(loaded.filter((path) => path.startsWith('spool/')).toSorted(), [
    'spool/disk/files.ts',
    'spool/disk/fsync.ts',
    'spool/disk/trouble.ts',
  ]);
});

test('the overview of all commands loads none of them', () => {
  const loaded = [...loadedBy('cli/main.ts', 'cli/help.ts')].map((path) => path.slice(SRC.length + 1));

  assert.ok(loaded.includes('cli/help.ts'), 'the walk finds what is loaded');
  assert.deepEqual(
    loaded.filter((path) => path.startsWith('cli/commands/')),
    [],
  );
});
