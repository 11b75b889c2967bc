import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { describe, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { registry } from '../../../src/app/registry.ts';
import { task } from '../../../src/index.ts';
import { tempDir } from '../../support/temp-dir.ts';

const INDEX = JSON.stringify(new URL('../../../src/index.ts', import.meta.url).href);
const IMPORT = `import { task } from ${INDEX};\n`;

describe('two tasks of one name in a program that sends jobs', () => {
  for (const [a, b] of [
    ['a.mjs', 'b.mjs'],
    ['app/(a)/tasks.mjs', 'app/(b)/tasks.mjs'],
    ['x#1/tasks.mjs', 'x#2/tasks.mjs'],
    ['x?1/tasks.mjs', 'x?2/tasks.mjs'],
    ['My Work (copy 1)/tasks.mjs', 'My Work (copy 2)/tasks.mjs'],
    ['50%/tasks.mjs', '51%/tasks.mjs'],
  ] as const) {
    test(`in ${a} and ${b}: refused, with both places`, async (t) => {
      const load = modules(t, {
        [a]: `${IMPORT}task('two.files', () => 'a');`,
        [b]: `${IMPORT}\ntask('two.files', () => 'b');`,
        'main.mjs': importing(a, b),
      });

      const error = await load('main.mjs').catch(String);

      const [one, other] = [join(load.folder, a), join(load.folder, b)];
      assert.equal(
        error,
        `UsageError: Task two.files is registered twice: at ${one}:2 and at ${other}:3. Rename one of them.`,
      );
    });
  }

  test('in one file that is evaluated once: refused', async (t) => {
    const load = modules(t, { 'a.mjs': `${IMPORT}task('one.file', () => 1);\ntask('one.file', () => 2);` });

    await assert.rejects(load('a.mjs'), {
      code: 'FSQ_DUPLICATE_TASK',
      message: /twice in one file: at .*:2 and at .*:3/,
    });
  });

  test('on one line, as in a minified bundle: refused, with the columns', async (t) => {
    const load = modules(t, { 'a.mjs': `${IMPORT}task('one.line',()=>1);task('one.line',()=>2);` });

    await assert.rejects(load('a.mjs'), /at \S+a\.mjs:2:1 and at \S+a\.mjs:2:\d+\./);
  });

  test('that differ in a property only: refused', async (t) => {
    const load = modules(t, {
      'a.mjs': `${IMPORT}task('property', (text) => hash.sha256(text));`,
      'b.mjs': `${IMPORT}task('property', (text) => hash.sha512(text));`,
      'main.mjs': importing('a.mjs', 'b.mjs'),
    });

    await assert.rejects(load('main.mjs'), { code: 'FSQ_DUPLICATE_TASK' });
  });

  test('that are bound functions, whose text says nothing: refused', async (t) => {
    const source = `${IMPORT}task('bound', (function (n) { return n; }).bind(null, import.meta.url));`;
    const load = modules(t, { 'a.mjs': source, 'b.mjs': source, 'main.mjs': importing('a.mjs', 'b.mjs') });

    await assert.rejects(load('main.mjs'), { code: 'FSQ_DUPLICATE_TASK' });
  });
});

test("a task that comes later from another file may be a dev server's new version: it counts, with a warning", async (t) => {
  const load = modules(t, {
    'chunk-1.mjs': `${IMPORT}task('unclear', () => 'old');`,
    'chunk-2.mjs': `${IMPORT}task('unclear', () => 'new');`,
  });
  await load('chunk-1.mjs');
  const warned = once(process, 'warning');

  await load('chunk-2.mjs');

  const [warning] = await warned;
  assert.equal(warning.code, 'FSQ_DUPLICATE_TASK');
  assert.match(
    warning.message,
    /unclear is registered twice: at \S+chunk-1\.mjs:2 and at \S+chunk-2\.mjs:2\. The second/,
  );
  assert.equal(registry().tasks.get('unclear')?.fn(), 'new');
});

describe('a task is the same again', () => {
  test('when its file is evaluated once more, changed as it may be: the new one counts', async (t) => {
    const load = modules(t, { 'a.mjs': `${IMPORT}task('again', () => 1);` });
    await load('a.mjs');
    writeFileSync(join(load.folder, 'a.mjs'), `${IMPORT}\n\ntask('again', () => 2);`);

    await load('a.mjs', '?t=2');

    assert.equal(registry().tasks.get('again')?.fn(), 2);
    assert.equal(registry().tasks.get('again')?.definedAt, `${join(load.folder, 'a.mjs')}:4`);
  });

  for (const [what, one, other] of [
    ['as it stands', 'async (to) => to', 'async (to) => to'],
    ['minified', 'async t=>await e.send(t)', 'async n=>await r.send(n)'],
    ['with imports that were renamed', 'async (to) => mail.send(to)', 'async (to) => mail2.send(to)'],
    ['with imports of webpack', 'async (to) => mail_MODULE_1__.send(to)', 'async (to) => mail_MODULE_23__.send(to)'],
  ] as const) {
    test(`when two files hold one module, ${what}`, async (t) => {
      const name = `bundled/${what.replaceAll(' ', '-')}`;
      const load = modules(t, {
        'routes/a.mjs': `${IMPORT}task('${name}', ${one});`,
        'routes/b.mjs': `// Another route.\n${IMPORT}task('${name}', ${other});`,
        'main.mjs': importing('routes/a.mjs', 'routes/b.mjs'),
      });

      await load('main.mjs');

      assert.match(registry().tasks.get(name)?.definedAt ?? '', /routes\/b\.mjs:3$/);
    });
  }

  test('when it is the same function', () => {
    const fn = (): number => 1;

    task('same.function', fn);
    assert.doesNotThrow(() => task('same.function', fn));
  });
});

describe('a worker, which runs what is registered, refuses', () => {
  test('one text in two files: it may be a wrapper round two functions', async (t) => {
    const load = modules(t, {
      'wrap.mjs': `export const traced = (fn) => (...args) => fn(...args);`,
      'a.mjs': `${IMPORT}import { traced } from './wrap.mjs';\ntask('wrapped', traced(() => 'a'));`,
      'b.mjs': `${IMPORT}import { traced } from './wrap.mjs';\ntask('wrapped', traced(() => 'b'));`,
    });
    asWorker(t);
    await load('a.mjs');

    await assert.rejects(load('b.mjs'), /twice: at \S+a\.mjs:3 and at \S+b\.mjs:3/);
  });

  test('two calls of a helper that registers', async (t) => {
    const load = modules(t, {
      'define.mjs': `${IMPORT}export const define = (fn) => task('helped', fn);`,
      'a.mjs': `import { define } from './define.mjs';\ndefine(() => 1);`,
      'b.mjs': `import { define } from './define.mjs';\ndefine(() => 1);`,
    });
    asWorker(t);
    await load('a.mjs');

    await assert.rejects(load('b.mjs'), { code: 'FSQ_DUPLICATE_TASK' });
  });

  test('two tasks of one file, and not a file that is loaded in two ways', async (t) => {
    const load = modules(t, {
      'a.mjs': `${IMPORT}task('worker.file', () => 1);`,
      'b.mjs': `${IMPORT}task('worker.two', () => 1);\nawait null;\ntask('worker.two', () => 2);`,
    });
    asWorker(t);

    await load('a.mjs');
    await load('a.mjs', '?loaded=otherwise');
    await assert.rejects(load('b.mjs'), /registered twice in one file/);
  });
});

/** A module that imports these, and so has them evaluated in one go. */
function importing(...files: readonly string[]): string {
  return files
    .map((file) => `import ${JSON.stringify(`./${file.split('/').map(encodeURIComponent).join('/')}`)};`)
    .join('\n');
}

/** Writes modules into a folder of their own; the function imports one of them. */
function modules(
  t: TestContext,
  files: Readonly<Record<string, string>>,
): ((file: string, query?: string) => Promise<unknown>) & { readonly folder: string } {
  const folder = tempDir(t);
  for (const [file, source] of Object.entries(files)) {
    mkdirSync(join(folder, dirname(file)), { recursive: true });
    writeFileSync(join(folder, file), source);
  }
  t.after(() => registry().tasks.clear());
  const load = (file: string, query = ''): Promise<unknown> => import(pathToFileURL(join(folder, file)).href + query);
  return Object.assign(load, { folder });
}

function asWorker(t: TestContext): void {
  registry().loading = '/some/tasks.ts';
  t.after(() => (registry().loading = null));
}
