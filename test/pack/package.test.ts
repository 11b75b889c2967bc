import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DIST = join(ROOT, 'dist');

test('the package has no dependencies, and runs nothing when it is installed', () => {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

  assert.equal(manifest.dependencies, undefined);
  assert.deepEqual(
    ['preinstall', 'install', 'postinstall', 'prepare'].filter((script) => script in manifest.scripts),
    [],
  );
});

test('what a declaration imports is there as a declaration', () => {
  const declarations = readdirSync(DIST, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.d.ts'),
  );

  const dangling = declarations.flatMap((file) =>
    relativeImports(readFileSync(join(DIST, file), 'utf8'))
      .filter((specifier) => !leadsToDeclaration(join(DIST, dirname(file)), specifier))
      .map((specifier) => `${file} imports '${specifier}'`),
  );

  assert.ok(declarations.length > 0, `no declaration in ${DIST}`);
  assert.deepEqual(dangling, []);
});

test('the public declarations name no type of Node.js', () => {
  const reached = new Set<string>(['index.d.ts']);

  for (const file of reached)
    for (const specifier of relativeImports(readFileSync(join(DIST, file), 'utf8')))
      reached.add(join(dirname(file), specifier).replace(/\.(?:d\.)?[jt]s$/, '.d.ts'));
  const naming = [...reached].filter((file) => /from 'node:/.test(readFileSync(join(DIST, file), 'utf8')));

  assert.ok(reached.size > 5, `only ${[...reached].join(', ')}`);
  assert.deepEqual(naming, []);
});

test('the ESM build can be required as well, so it has no top-level await', () => {
  // In a process of its own: tsx, which runs this file, would turn the required one into a copy.
  const program = `
    import assert from 'node:assert/strict';
    import { createRequire } from 'node:module';
    import * as imported from 'fsq';
    const required = createRequire(process.cwd() + '/')('./dist/index.js');
    assert.deepEqual(Object.keys(required), Object.keys(imported));
    assert.equal(required.task, imported.task);
    process.stdout.write(typeof required.task);`;

  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: ROOT,
    encoding: 'utf8',
  });

  assert.equal(stdout, 'function', stderr);
});

test('a checkout that is not built says how to build it', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'fsq-unbuilt-'));
  t.after(() => rmSync(root, { recursive: true }));
  cpSync(join(ROOT, 'bin'), join(root, 'bin'), { recursive: true });
  cpSync(join(ROOT, 'package.json'), join(root, 'package.json'));

  const { status, stdout, stderr } = spawnSync(process.execPath, ['bin/fsq.js', 'worker'], {
    cwd: root,
    encoding: 'utf8',
  });

  assert.deepEqual(
    { status, stdout, stderr },
    { status: 78, stdout: '', stderr: 'fsq is not built: run `npm run build`\n' },
  );
});

function relativeImports(declarations: string): string[] {
  const code = declarations.replace(/\/\*[^]*?\*\//g, '');
  return [...code.matchAll(/\b(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g)].map((match) => match[1] ?? '');
}

function leadsToDeclaration(dir: string, specifier: string): boolean {
  return specifier.endsWith('.js') && existsSync(join(dir, specifier.replace(/\.js$/, '.d.ts')));
}
