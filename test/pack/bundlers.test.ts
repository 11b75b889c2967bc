/**
 * A program that sends jobs is bundled, fsq with it, and works: by esbuild, rollup and vite, as ESM and CommonJS, minified or not. What few
 * programs need, such as the code for BullMQ, is in no bundle; it is found where the program runs.
 */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe, type TestContext } from 'node:test';
import { build as esbuild, type BuildOptions } from 'esbuild';
import { rollup } from 'rollup';
import { build as vite } from 'vite';
import { type Project, REPOSITORY, run, startWorker, tempProject } from '../support/project.ts';
import { lacksRedis, redisServer } from '../support/redis-server.ts';
import { tempDir } from '../support/temp-dir.ts';

const PROJECT = {
  'fsq.config.mjs': `export default { spool: './from-config' };`,
  'tasks.mjs': `
    import { task } from 'fsq';
    import { shout } from './shout.mjs';
    export const add = task('add', async (a, b) => a + b);
    export const loud = task('loud', { queue: 'mail' }, async (text) => shout(text));`,
  'shout.mjs': `export const shout = (text) => text.toUpperCase();`,
  'main.mjs': `
    import { createApp, PermanentError, TimeoutError, UsageError } from 'fsq';
    import { add, loud } from './tasks.mjs';
    class Declined extends PermanentError {}
    const main = async () => {
      const job = await add.delay(1, 2);
      const late = await job.get(20).catch((error) => error);
      const wrong = await loud.applyAsync('x').catch((error) => error);
      await loud.delay('a');
      const eager = createApp({ alwaysEager: true }).task('eager', async () => { throw new Declined('no'); });
      const failure = await (await eager.delay()).get().catch((error) => error);
      process.stdout.write(JSON.stringify({
        state: await job.state(),
        run: await loud.run('b'),
        late: [late.name, late.code, late instanceof TimeoutError],
        wrong: [wrong.name, wrong.code, wrong instanceof UsageError],
        failure: [failure.name, failure.remoteCode],
      }));
    };
    main().catch((error) => process.stdout.write([error instanceof UsageError, error.code, error.message].join(' ')));`,
};

const DIST = join(REPOSITORY, 'dist');
const VERSION: string = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')).version;
/** Names that only the code for BullMQ calls; no bundler changes them. */
const OF_BULLMQ = /moveStalledJobsToWait|extendLocks|getBackend/;
let bundles = 0;

type Bundle = (project: Project, entry: string, outfile: string, minify: boolean) => Promise<unknown>;

const byEsbuild =
  (options: BuildOptions): Bundle =>
  async ({ path }, entry, outfile, minify) => {
    const { warnings } = await esbuild({
      ...options,
      entryPoints: [join(path, entry)],
      bundle: true,
      platform: 'node',
      minify,
      outfile: join(path, outfile),
      logLevel: 'error',
    });
    assert.deepEqual(warnings, []);
  };

const byRollup =
  (format: 'es' | 'cjs'): Bundle =>
  async ({ path }, entry, outfile) => {
    const resolve = {
      name: 'resolve',
      resolveId: (id: string) => (id === 'fsq' ? join(REPOSITORY, 'dist/index.js') : null),
    };
    const warnings: string[] = [];
    const bundle = await rollup({
      input: join(path, entry),
      external: /^node:/,
      plugins: [resolve],
      onwarn: ({ message }) => void warnings.push(message),
    });
    await bundle.write({ file: join(path, outfile), format });
    await bundle.close();
    assert.deepEqual(warnings, []);
  };

const byVite: Bundle = ({ path }, entry, outfile, minify) =>
  vite({
    root: path,
    configFile: false,
    logLevel: 'error',
    ssr: { noExternal: true },
    build: {
      ssr: entry,
      minify,
      outDir: '.',
      emptyOutDir: false,
      rolldownOptions: { output: { entryFileNames: outfile } },
    },
  });

const BUNDLERS: readonly [name: string, bundle: Bundle, extension: string][] = [
  ['esbuild, CommonJS, its default for Node', byEsbuild({}), 'cjs'],
  ['esbuild, ESM', byEsbuild({ format: 'esm' }), 'mjs'],
  ['rollup, ESM', byRollup('es'), 'mjs'],
  ['rollup, CommonJS', byRollup('cjs'), 'cjs'],
  ['vite, SSR', byVite, 'mjs'],
];

/** What main.mjs prints. */
const TOLD = {
  state: 'pending',
  run: 'B',
  late: ['TimeoutError', 'FSQ_TIMEOUT', true],
  wrong: ['UsageError', 'FSQ_USAGE', true],
  failure: ['TaskError', 'FSQ_PERMANENT'],
};

for (const [name, bundle, extension] of BUNDLERS) {
  for (const minify of name.startsWith('rollup') ? [false] : [false, true]) {
    describe(`${name}${minify ? ', minified' : ''}`, () => {
      const out = `out.${extension}`;
      let built: Promise<Project> | null = null;
      /** One for all three. */
      const bundled = (t: TestContext): Promise<Project> => (built ??= makeBundle(t));
      const makeBundle = async (t: TestContext): Promise<Project> => {
        const project = tempProject(t, PROJECT);
        const before = readdirSync(project.path);
        await bundle(project, 'main.mjs', out, minify);
        const made = readdirSync(project.path).filter((file) => !before.includes(file));
        assert.deepEqual(made, [out]);
        return project;
      };

      test('the bundle sends jobs, reads the configuration and tells errors; it is one file without the code for BullMQ', async (t) => {
        const project = await bundled(t);

        const { code, stdout, stderr } = await run(project, process.execPath, [out]);

        assert.equal(code, 0, stderr);
        assert.deepEqual(JSON.parse(stdout), TOLD);
        assert.equal(readdirSync(join(project.path, 'from-config/pending')).length, 2);
        assert.ok(isInShared(OF_BULLMQ));
        assert.doesNotMatch(readFileSync(join(project.path, out), 'utf8'), OF_BULLMQ);
      });

      test('with a broker of BullMQ it sends its jobs there', { skip: lacksRedis }, async (t) => {
        const project = await bundled(t);
        const env = { FSQ_BROKER: (await redisServer()).url(`bundle_${++bundles}`) };

        const { code, stdout, stderr } = await run(project, process.execPath, [out], { env });

        assert.equal(code, 0, stderr);
        assert.deepEqual(JSON.parse(stdout), TOLD);
      });

      test('with such a broker, and the package nowhere or in another version, it says what to install', async (t) => {
        const project = await bundled(t);
        const path = tempDir(t);
        cpSync(join(project.path, out), join(path, out));
        const told = async (): Promise<string> => {
          const env = { FSQ_BROKER: 'bullmq+redis://127.0.0.1:9' };
          return (await run({ path, spool: '' }, process.execPath, [out], { env })).stdout;
        };

        const nowhere = await told();
        mkdirSync(join(path, 'node_modules/fsq'), { recursive: true });
        writeFileSync(join(path, 'node_modules/fsq/package.json'), '{ "name": "fsq", "version": "0.0.9" }');
        const another = await told();

        for (const [text, got] of [
          [nowhere, 'no package fsq is installed there'],
          [another, 'found "0.0.9" there'],
        ] as const)
          assert.equal(
            text,
            `true FSQ_PEER This program is a bundle with fsq ${VERSION} in it, but without the code of fsq for what was asked of it: that is read from ` +
              `the package fsq, of the same version, where the program runs; ${got}. Run there: npm install fsq@${VERSION}`,
          );
      });
    });
  }
}

test('a worker runs the tasks of a minified bundle, which brings a copy of fsq of its own', async (t) => {
  const project = tempProject(t, {
    ...PROJECT,
    'send.mjs': `import { loud } from './tasks.mjs';\nconst job = await loud.delay('a');\nconsole.log(await job.get('20s'));`,
  });
  await byEsbuild({})(project, 'tasks.mjs', 'built/jobs.cjs', true);
  await startWorker(t, project, ['-c', '1', '-Q', 'mail', '--tasks', 'built/jobs.cjs']);

  const { stdout, stderr } = await run(project, process.execPath, ['send.mjs']);

  assert.equal(stdout, 'A\n', stderr);
});

describe('bundles of one module of tasks, a route each, in one process', () => {
  for (const [what, options] of [
    ['each with fsq', {}],
    ['with fsq beside them', { packages: 'external' }],
    ['minified, each with fsq', { minify: true }],
    ['minified, with fsq beside them', { minify: true, packages: 'external' }],
  ] as const) {
    test(`${what}: both send jobs`, async (t) => {
      const project = await routes(t, options, {
        'a.mjs': `import { loud } from './tasks.mjs';\nexport const send = () => loud.delay('a');`,
        'b.mjs': `import { join } from 'node:path';
          import { loud } from './tasks.mjs';
          const paths = [1, 2, 3].map((n) => join('x', String(n)));
          export const send = () => loud.delay(paths[0]);`,
      });

      const { stdout, stderr } = await run(project, process.execPath, ['server.mjs']);

      assert.equal(stdout, 'pending pending', stderr);
    });
  }
});

for (const minify of [false, true]) {
  test(`two tasks of one name in one bundle${minify ? ', minified,' : ''} are refused`, async (t) => {
    const project = await routes(
      t,
      { minify },
      {
        'a.mjs': `import { task } from 'fsq';\nimport './b.mjs';\ntask('same', async () => 1);\nexport const send = null;`,
        'b.mjs': `import { task } from 'fsq';\ntask('same', async () => 2);\nexport const send = null;`,
      },
    );

    const { stderr } = await run(project, process.execPath, ['server.mjs']);

    assert.match(stderr, /Task same is registered twice in one file: at \S+a\.js:\d+(:\d+)? and at \S+a\.js:\d+/);
  });
}

/** A project with a bundle for each of `files`, and a server that loads them all and sends by each. */
async function routes(
  t: TestContext,
  options: BuildOptions,
  files: Readonly<Record<string, string>>,
): Promise<Project> {
  const names = Object.keys(files).map((file) => file.replace('.mjs', '.js'));
  const project = tempProject(t, {
    ...PROJECT,
    ...files,
    'server.mjs': `
      ${names.map((name, i) => `import * as route${i} from './out/${name}';`).join('\n')}
      const routes = [${names.map((_, i) => `route${i}`).join(', ')}];
      const states = [];
      for (const { send } of routes) states.push(await (await send()).state());
      process.stdout.write(states.join(' '));`,
  });
  await esbuild({
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
    ...options,
    entryPoints: Object.keys(files).map((file) => join(project.path, file)),
    outdir: join(project.path, 'out'),
  });
  return project;
}

/** In any of the files that the others share: their names are the bundler's choice. */
function isInShared(text: RegExp): boolean {
  const folder = join(DIST, 'shared');
  const files = readdirSync(folder).filter((name) => name.endsWith('.js'));
  return files.some((name) => text.test(readFileSync(join(folder, name), 'utf8')));
}
