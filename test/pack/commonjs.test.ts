/** The CommonJS build: for Jest, for bundles, and for TypeScript that compiles to CommonJS. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe } from 'node:test';
import { pathToFileURL } from 'node:url';
import { REPOSITORY, run, tempProject } from '../support/project.ts';
import { lacksRedis, redisServer } from '../support/redis-server.ts';
import { tempDir } from '../support/temp-dir.ts';

const CJS = join(REPOSITORY, 'dist/index.cjs');
const ESM = pathToFileURL(join(REPOSITORY, 'dist/index.js')).href;

test('both builds give the same names', async (t) => {
  const project = tempProject(t, {
    'main.cjs': `
      const fsq = require(${JSON.stringify(CJS)});
      import(${JSON.stringify(ESM)}).then((esm) => {
        console.log(String(Object.keys(fsq).sort()) === String(Object.keys(esm).sort()), fsq.task === esm.task);
      });`,
  });

  const { stdout, stderr } = await run(project, process.execPath, ['main.cjs']);

  assert.equal(stdout, 'true false\n', stderr);
});

test('require() gets the CommonJS build from every Node.js: what stands in for it, as in vitest, may not load ESM', async (t) => {
  const project = tempProject(t, {
    'main.cjs': `console.log(require.resolve('fsq'), require('fsq').task === require(${JSON.stringify(CJS)}).task);`,
  });

  const { stdout, stderr } = await run(project, process.execPath, ['main.cjs']);

  assert.equal(stdout, `${CJS} true\n`, stderr);
});

test('in one process both have one registry: tasks, the running job, and doubled names', async (t) => {
  const project = tempProject(t, {
    'cjs.cjs': `
      const { currentJob, task } = require(${JSON.stringify(CJS)});
      exports.whoCjs = task('who.cjs', () => currentJob().task);
      exports.double = () => task('who.esm', () => 'another');
      exports.inside = () => currentJob().task;`,
    'main.mjs': `
      import { createApp, currentJob, PermanentError, task } from ${JSON.stringify(ESM)};
      import { double, inside, whoCjs } from './cjs.cjs';
      const whoEsm = task('who.esm', () => inside());
      try { double(); } catch (error) { console.log(error.name, error.code); }
      const eager = createApp({ alwaysEager: true });
      const nested = eager.task('nested', async () => [await whoCjs.run(), await whoEsm.run(), inside()]);
      console.log(await (await nested.delay()).get());`,
  });

  const { stdout, stderr } = await run(project, process.execPath, ['main.mjs']);

  assert.equal(stdout, `UsageError FSQ_DUPLICATE_TASK\n[ 'who.cjs', 'who.esm', 'nested' ]\n`, stderr);
});

test('parts of both builds make one composition, sent by either', async (t) => {
  const project = tempProject(t, {
    'cjs.cjs': `
      const { chain, group, task } = require(${JSON.stringify(CJS)});
      exports.double = task('double', (n) => 2 * n);
      exports.both = (...parts) => group(parts);
      exports.row = (...parts) => chain(...parts);`,
    'main.mjs': `
      import { chain, chord, task } from ${JSON.stringify(ESM)};
      import { both, double, row } from './cjs.cjs';
      const add = task('add', (a, b) => a + b);
      const total = task('total', (numbers) => numbers.reduce((sum, n) => sum + n, 0));
      const here = await chain(add.s(1, 2), both(double.s(), add.s(1)), total.s()).delay();
      const there = await row(add.s(1, 2), double.s()).delay();
      const group = await double.map([1, 2]).delay();
      const after = await group.done(total.s());
      console.log(await here.get(), await here.steps[1].get(), await there.get(), await after.get());
      try { chain(double); } catch (error) { console.log(error.code); }`,
  });

  const { stdout, stderr } = await run(project, process.execPath, ['main.mjs'], { env: { FSQ_ALWAYS_EAGER: '1' } });

  assert.equal(stdout, '10 [ 6, 4 ] 6 6\nFSQ_COMPOSITION\n', stderr);
});

test('a temporary spool of either build is that of both, and of the jobs that a task sends by the other', async (t) => {
  const project = tempProject(t, {
    'cjs.cjs': `
      const { task } = require('fsq');
      exports.leaf = task('leaf', (n) => n + 1);
      exports.root = task('root', async () => (await exports.leaf.delay(1)).id);`,
    'main.mjs': `
      import { task } from 'fsq';
      import { temporarySpool } from 'fsq/testing';
      import { createRequire } from 'node:module';
      import { leaf, root } from './cjs.cjs';
      const other = createRequire(import.meta.url)('fsq/testing');
      const own = task('own', async () => (await root.delay()).id);
      for (const make of [temporarySpool, other.temporarySpool]) {
        const spool = await make();
        await own.delay();
        await leaf.applyAsync([2], { countdown: '1h' });
        await spool.clock.advance('1h');
        console.log(JSON.stringify(await spool.drain()), (await other.temporarySpool().catch((error) => error)).code);
        await spool.close();
      }`,
  });

  const { stdout, stderr } = await run(project, process.execPath, ['main.mjs']);

  const line = '{"succeeded":4,"failed":0,"revoked":0,"expired":0,"delayed":0,"parked":0,"paused":0} FSQ_TESTING\n';
  assert.equal(stdout, line + line, stderr);
  assert.equal(existsSync(project.spool), false);
});

/** Runs `program` with `fsq` as Jest would: in a context of its own that has no import() and no true require(). */
const runnerOf = (program: string): string => `
      const { readFileSync } = require('node:fs');
      const vm = require('node:vm');
      const refuse = () => { throw new Error('the test runner answers'); };
      const jests = { ...process, cwd: process.cwd, getBuiltinModule: (name) => {
        const module = process.getBuiltinModule(name);
        return name.endsWith('module') ? { ...module, createRequire: () => refuse } : module;
      } };
      const context = vm.createContext({ process: jests, Buffer, console, crypto, AbortController, URL, setTimeout, clearTimeout, queueMicrotask });
      const code = readFileSync(${JSON.stringify(CJS)}, 'utf8');
      const inside = { exports: {} };
      vm.runInContext('(function (module, exports, require) {' + code + '\\n})', context)(inside, inside.exports, require);
      const fsq = inside.exports;
      ${program}`;

test('it runs in a context of its own that has no import() and no true require(), as in Jest, and reads the configuration', async (t) => {
  const project = tempProject(t, {
    'fsq.config.mjs': `export default { spool: './from-config' };`,
    'runner.cjs': runnerOf(
      'fsq.createApp().settings().then(({ spool }) => console.log(spool), (error) => console.log(error));',
    ),
  });

  const { stdout, stderr } = await run(project, process.execPath, ['runner.cjs']);

  assert.equal(stdout, `${join(project.path, 'from-config')}\n`, stderr);
});

test('it sends jobs to a broker of BullMQ, in Node.js and in such a context', { skip: lacksRedis }, async (t) => {
  const send = `
    const add = fsq.task('add', (a, b) => a + b);
    add.delay(1, 2).then((job) => job.state()).then(console.log, console.log);`;
  const project = tempProject(t, {
    'main.cjs': `const fsq = require(${JSON.stringify(CJS)});${send}`,
    'runner.cjs': runnerOf(send),
  });
  const env = { FSQ_BROKER: (await redisServer()).url('commonjs') };

  for (const program of ['main.cjs', 'runner.cjs']) {
    const { stdout, stderr } = await run(project, process.execPath, [program], { env });

    assert.equal(stdout, 'pending\n', stderr);
  }
});

describe('TypeScript finds one set of types from ESM and CommonJS', () => {
  const files = {
    'package.json': '{ "name": "types" }',
    'cjs.ts': `
      import * as fsq from 'fsq';
      import { AsyncResult, FsqError, PermanentError, task, type FsqErrorCode, type Task } from 'fsq';
      import { type Tally, temporarySpool } from 'fsq/testing';
      export async function drained(test: { after(act: () => void): void }): Promise<Tally> {
        const spool = await temporarySpool(test, { manual: true });
        // @ts-expect-error -- no such option
        await spool.drain({ soon: true });
        return spool.drain({ delayed: true, timeout: '5s' });
      }
      export class Declined extends PermanentError { readonly cents = 1; }
      export const add: Task<[number, number], number> = task('add', async (a: number, b: number) => a + b);
      export async function use(): Promise<number> {
        const result: AsyncResult<number> = await add.delay(1, 2);
        // @ts-expect-error -- the first argument is a number
        await add.delay('1', 2);
        try {
          return await result.get();
        } catch (error) {
          if (error instanceof fsq.TaskError) return error.attempts;
          const code: FsqErrorCode | null = error instanceof FsqError ? error.code : null;
          throw new Declined(String(code));
        }
      }`,
  };
  const esm = {
    'esm.mts': `
      import { AsyncResult, type Task } from 'fsq';
      import { add } from './cjs.js';
      export const same: Task<[number, number], number> = add;
      export const send = async (): Promise<AsyncResult<number>> => same.delay(1, 2);`,
  };
  for (const [options, more] of [
    [['--module', 'commonjs'], {}],
    [['--module', 'node16'], esm],
    [['--module', 'nodenext'], esm],
    [['--module', 'esnext', '--moduleResolution', 'bundler'], {}],
  ] as const) {
    test(options.join(' '), async (t) => {
      const project = tempProject(t, { ...files, ...more });
      const types = join(REPOSITORY, 'node_modules/@types');
      const tsc = join(REPOSITORY, 'node_modules/typescript/bin/tsc');
      const strict = [
        '--ignoreConfig',
        '--noEmit',
        '--strict',
        '--target',
        'es2022',
        '--typeRoots',
        types,
        '--types',
        'node',
      ];
      const sources = Object.keys({ ...files, ...more }).filter((file) => file.endsWith('ts'));

      const { code, stdout } = await run(project, process.execPath, [tsc, ...strict, ...options, ...sources]);

      assert.equal(code, 0, stdout);
    });
  }
});

test('attw and publint find nothing wrong with the package', (t) => {
  const folder = tempDir(t);
  const npm = spawnSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], {
    cwd: REPOSITORY,
    encoding: 'utf8',
  });
  const tarball = join(folder, readdirSync(folder)[0] ?? assert.fail(npm.stderr));

  for (const [tool, ...args] of [
    ['@arethetypeswrong/cli/dist/index.js', tarball, '--no-color'],
    ['publint/src/cli.js', 'run', tarball, '--strict'],
  ] as const) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(REPOSITORY, 'node_modules', tool), ...args], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, `${tool}:\n${stdout}${stderr}`);
  }
});

test('an old Node.js is told which one fsq needs, by each build and by the command line', (t) => {
  const folder = tempDir(t);
  const old = join(folder, 'old.cjs');
  writeFileSync(
    old,
    `delete process.getBuiltinModule; Object.defineProperty(process, 'version', { value: 'v18.20.8' });`,
  );
  const wanted = 'fsq needs Node.js 20.19 or newer, and this is v18.20.8';

  for (const [program, status] of [
    [[CJS], 1],
    [[join(REPOSITORY, 'dist/index.js')], 1],
    [[join(REPOSITORY, 'bin/fsq.js'), 'status'], 78],
  ] as const) {
    const ended = spawnSync(process.execPath, ['--require', old, ...program], { encoding: 'utf8' });

    assert.match(ended.stderr, new RegExp(wanted));
    assert.equal(ended.status, status, ended.stderr);
  }
});
