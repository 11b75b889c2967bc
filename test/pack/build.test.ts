import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from '../../scripts/build.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

test('a build is done once, and again only when a source has changed', (t) => {
  const root = project(t, { 'index.ts': `export const one: number = 1;\n` });

  const results = [build(root), build(root)];
  writeFileSync(join(root, 'src/index.ts'), `export const one: number = 2;\n`);
  results.push(build(root), build(root));

  assert.deepEqual(results, ['built', 'unchanged', 'built', 'unchanged']);
  assert.match(dist(root, 'index.js'), /one = 2/);
});

test('a file whose output is the same is left alone, so that a running program keeps it', (t) => {
  const root = project(t, {
    'cli/main.ts': `export const a: number = 1;\n`,
    'worker/child.ts': `export const b: number = 1;\n`,
  });
  build(root);
  const before = statSync(join(root, 'dist/cli/main.js'));

  writeFileSync(join(root, 'src/worker/child.ts'), `export const b: number = 2;\n`);
  build(root);

  assert.match(dist(root, 'worker/child.js'), /b = 2/);
  assert.equal(statSync(join(root, 'dist/cli/main.js')).ino, before.ino);
});

test('what does not come from the sources is put right: a changed, a missing and a surplus file', (t) => {
  const root = project(t, {
    'index.ts': `export const one: number = 1;\n`,
    'gone.ts': `export const gone: number = 1;\n`,
  });
  build(root);
  const good = dist(root, 'index.js');

  writeFileSync(join(root, 'dist/index.js'), 'tampered');
  rmSync(join(root, 'dist/index.d.ts'));
  rmSync(join(root, 'src/gone.ts'));
  build(root);

  assert.equal(dist(root, 'index.js'), good);
  assert.match(dist(root, 'index.d.ts'), /one: number/);
  assert.throws(() => dist(root, 'gone.d.ts'), { code: 'ENOENT' });
});

test('declarations import .js, and their comments stay as they were written', (t) => {
  const root = project(t, {
    'job/job.ts': `export interface Job { readonly id: string }\n`,
    'index.ts': [
      `import type { Job } from './job/job.ts';`,
      `export * from "./job/job.ts";`,
      `/** See also:`,
      ` * import { add } from './tasks.ts'; */`,
      `export type Lazy = import('./job/job.ts').Job | Job;`,
      '',
    ].join('\n'),
  });

  build(root);

  const declarations = dist(root, 'index.d.ts');
  assert.equal(declarations.match(/'\.\/job\/job\.js'|"\.\/job\/job\.js"/g)?.length, 3, declarations);
  assert.match(declarations, /from '\.\/tasks\.ts'/);
});

test('source maps lead from dist/ to src/, for stack traces and for coverage', (t) => {
  const root = project(t, {
    'job/job.ts': `export const one: number = 1;\n`,
    'index.ts': `export { one } from './job/job.ts';\n`,
  });

  build(root);

  const { sources, sourcesContent } = JSON.parse(dist(root, 'shared/library.js.map'));
  assert.deepEqual(sources, ['../../src/job/job.ts']);
  assert.deepEqual(sourcesContent, ['export const one: number = 1;\n']);
});

test('a type error does not stop the build; an export without a type does, and dist/ stays as it was', (t) => {
  const root = project(t, { 'index.ts': `export const one: number = 'not a number';\n` });
  build(root);

  writeFileSync(join(root, 'src/index.ts'), `export const one = Math.max(1, 2);\n`);

  assert.throws(() => build(root), /src\/index\.ts\(1,14\): error TS9010/);
  assert.match(dist(root, 'index.js'), /not a number/);
});

test('two builds at once both succeed, and leave a dist/ that is up to date', async (t) => {
  const root = project(t, { 'index.ts': `export const one: number = 1;\n` });
  cpSync(join(ROOT, 'scripts'), join(root, 'scripts'), { recursive: true });

  const codes = await Promise.all([1, 2].map(() => exitCode(root)));

  assert.deepEqual(codes, [0, 0]);
  assert.equal(build(root), 'unchanged');
});

test('the page is a part of the build, and a change of it is seen', (t) => {
  const root = project(t, { 'index.ts': `export const one: number = 1;\n` });
  for (const [file, text] of [
    ['tsconfig.json', `{ "compilerOptions": { "jsx": "react-jsx", "jsxImportSource": "preact" } }`],
    ['index.html', '<p>page</p>'],
    ['style/a.css', 'p { color : red; }'],
    ['main.tsx', `import { render } from 'preact';\nrender(<b>one</b>, document.body);\n`],
  ] as const) {
    mkdirSync(dirname(join(root, 'page', file)), { recursive: true });
    writeFileSync(join(root, 'page', file), text);
  }

  const results = [build(root), build(root)];
  const before = dist(root, 'page/page.js');
  writeFileSync(join(root, 'page/main.tsx'), `import { render } from 'preact';\nrender(<b>two</b>, document.body);\n`);
  results.push(build(root));

  assert.deepEqual(results, ['built', 'unchanged', 'built']);
  assert.match(before, /one/);
  assert.match(dist(root, 'page/page.js'), /two/);
  assert.equal(dist(root, 'page/page.css'), 'p{color :red}');
  assert.match(dist(root, 'page/THIRD-PARTY'), /^preact 1\d\.[^]*MIT/);
});

/** A package with `sources` in src/, built as this one is. */
function project(t: TestContext, sources: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'fsq-build-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const file of ['tsconfig.json', 'tsconfig.build.json', 'rolldown.config.mjs'])
    cpSync(join(ROOT, file), join(root, file));
  cpSync(join(ROOT, 'scripts/page-bundle.mjs'), join(root, 'scripts/page-bundle.mjs'));
  writeFileSync(join(root, 'package.json'), '{ "type": "module" }\n');
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  for (const [file, text] of Object.entries(sources)) {
    mkdirSync(dirname(join(root, 'src', file)), { recursive: true });
    writeFileSync(join(root, 'src', file), text);
  }
  return root;
}

function dist(root: string, file: string): string {
  return readFileSync(join(root, 'dist', file), 'utf8');
}

async function exitCode(root: string): Promise<unknown> {
  const [code] = await once(spawn(process.execPath, ['scripts/build.mjs'], { cwd: root, stdio: 'ignore' }), 'exit');
  return code;
}
