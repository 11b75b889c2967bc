/** Task modules that need more than Node's own type stripping, and loaders that a setting names. */
import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fsq, type Project, startWorker, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';

const FILES = {
  'tsconfig.json': '{ "compilerOptions": { "paths": { "@/*": ["./src/*"] } } }',
  'src/tasks.ts': `
import { task } from 'fsq';
import { red } from '@/lib/mid';
export const paint = task('paint', async (): Promise<string> => red);
`,
  'src/lib/mid.ts': `import { Colour } from './colour';\nexport const red: string = Colour.Red;\n`,
  'src/lib/colour.ts': `export enum Colour { Red = 'red' }\n`,
  // On a Node.js that strips no types this one says that it does, and its import of a .ts file then fails as stripping would.
  'stripping.mjs': `process.features.typescript ||
    Object.defineProperty(process.features, 'typescript', { value: 'strip', configurable: true });\n`,
};

function stripping(at: Project): Readonly<Record<string, string>> {
  return { NODE_OPTIONS: `--import ${join(at.path, 'stripping.mjs')}` };
}

test('what Node.js cannot strip is loaded with the tsx of the project, by workers and by fsq tasks', async (t) => {
  const at = tempProject(t, FILES);
  const { send } = sender(t, at);

  const tasks = await fsq(at, ['tasks'], { env: stripping(at) });
  assert.match(tasks.stdout, /^paint +src\/tasks\.ts:4$/m, tasks.stderr);
  const worker = await startWorker(t, at, ['-c', '2'], { env: stripping(at) });

  assert.equal(await (await send('paint', [])).get('20s'), 'red');
  const { code, stderr } = await worker.stop();
  assert.equal(code, 0);
  assert.equal(stderr.match(/cannot load the task modules by itself/g)?.length, 1, stderr);
  assert.doesNotMatch(stderr, /"level":50/);
});

test('without tsx the worker ends with 78, and says what stripping cannot do and what to do', async (t) => {
  const at = tempProject(t, FILES);
  renameSync(join(at.path, 'node_modules/tsx'), join(at.path, 'node_modules/none'));

  for (const args of [['worker', '--burst'], ['tasks']]) {
    const { code, stderr } = await fsq(at, args, { env: stripping(at) });

    assert.equal(code, 78);
    assert.match(
      stderr,
      /Cannot load \S+src\/tasks\.ts: .*\n +Node \S+ strips types and does no more.*npm install --save-dev tsx/,
    );
    assert.match(stderr, /`import` in fsq\.config, FSQ_IMPORT or --import\. *\(FSQ_TYPESCRIPT\)/);
  }
});

test('a module that fails also with tsx is told as tsx tells it, once', async (t) => {
  const at = tempProject(t, {
    ...FILES,
    'src/lib/colour.ts': `import 'nowhere';\nexport enum Colour { Red = 'red' }\n`,
  });

  const { code, stderr } = await fsq(at, ['worker', '--burst'], { env: stripping(at) });

  assert.equal(code, 78);
  assert.match(stderr, /Cannot find (?:package|module) 'nowhere'/);
});

for (const [how, files, env, args] of [
  ['fsq.config', { 'fsq.config.json': '{ "import": ["./lib/first.mjs", "tsx"] }' }, {}, []],
  ['FSQ_IMPORT', {}, { FSQ_IMPORT: './lib/first.mjs, tsx' }, []],
  [
    '--import, which is stronger',
    { 'fsq.config.json': '{ "import": "nowhere" }' },
    {},
    ['--import', './lib/first.mjs'],
  ],
] as const)
  test(`children import first what is named by ${how}`, async (t) => {
    const at = tempProject(t, {
      'lib/first.mjs': 'globalThis.first = 1;\n',
      'tasks.mjs': `import { task } from 'fsq';\nif (globalThis.first === 1) task('second', () => 2);\n`,
      ...files,
    });

    const { stdout, stderr } = await fsq(at, ['tasks', ...args], { env });

    assert.match(stdout, /second +tasks\.mjs:2/, stderr);
  });

test('what is no module to import is refused', async (t) => {
  const at = tempProject(t, { 'tasks.mjs': '', 'fsq.config.json': '{ "import": [7] }' });

  const { code, stderr } = await fsq(at, ['tasks']);

  assert.equal(code, 78);
  assert.match(stderr, /Expected `import` in \S+fsq\.config\.json to be a module to import first, or an array of such/);
});
