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

test('every package that a checkout installs runs on the oldest Node.js that fsq does', () => {
  const { engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
  const ranges = Object.entries<{ engines?: { node?: string } }>(packages).map(
    ([name, { engines: wanted }]) => [name, wanted?.node ?? '*'] as const,
  );

  assert.equal(engines.node, '>=20.19');
  assert.deepEqual(
    ranges.filter(([, range]) => !takes2019(range)),
    [],
  );
  assert.ok(ranges.length > 100);
  const known = ['*', '>= 0.8', '18 || 20 || >=22', '^20.19.0 || >=22.12.0', '>=12.0.0', '20.x'];
  assert.deepEqual([...known, '>=22', '^18.0.0', '^20.20.0 || >=22', '>=20.20'].filter(takes2019), known);
});

/** Of the ranges that packages name: `*`, and versions behind nothing, `^` or `>=`. */
function takes2019(range: string): boolean {
  return range.split('||').some((part) => {
    const [, sign, major = '0', minor = '0'] = /^\s*(>=|\^)?\s*v?(\d+)(?:\.(\d+|x))?/.exec(part) ?? [];
    const isOlder = Number(major) < 20 && (sign === '>=' || part.trim() === '*');
    return isOlder || (Number(major) === 20 && !(Number(minor) > 19));
  });
}

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

test('without the optional packages a spool works, and a broker names the command that installs them', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'fsq-peers-'));
  t.after(() => rmSync(root, { recursive: true }));
  const installed = join(root, 'node_modules/fsq');
  for (const part of ['bin', 'dist', 'package.json'])
    cpSync(join(ROOT, part), join(installed, part), { recursive: true });
  const fsq = (args: readonly string[], broker: string): { status: number | null; stderr: string } => {
    const env = { ...process.env, FSQ_SPOOL: '', FSQ_BROKER: broker };
    return spawnSync(process.execPath, [join(installed, 'bin/fsq.js'), ...args], { cwd: root, env, encoding: 'utf8' });
  };

  const spool = fsq(['init'], '');
  const redis = fsq(['call', 'add', '1', '2'], 'bullmq+redis://:secret@localhost');

  assert.equal(spool.status, 0, spool.stderr);
  assert.deepEqual(
    [redis.status, redis.stderr],
    [
      78,
      'fsq call: This broker needs the package bullmq, version 6.7; none is installed. Run: npm install bullmq@~6.7 ioredis@5 (FSQ_PEER)\n',
    ],
  );
});

test('the optional packages are peers in the versions that are asked for, and none is installed by itself', () => {
  const { peerDependencies, peerDependenciesMeta } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

  assert.deepEqual(peerDependencies, { bullmq: '~6.7.0', ioredis: '>=5', pg: '>=8.16' });
  assert.deepEqual(
    Object.keys(peerDependencies).filter((name) => peerDependenciesMeta[name]?.optional !== true),
    [],
  );
});

function relativeImports(declarations: string): string[] {
  const code = declarations.replace(/\/\*[^]*?\*\//g, '');
  return [...code.matchAll(/\b(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g)].map((match) => match[1] ?? '');
}

function leadsToDeclaration(dir: string, specifier: string): boolean {
  return specifier.endsWith('.js') && existsSync(join(dir, specifier.replace(/\.js$/, '.d.ts')));
}
