/** How a worker starts, and what it says when it cannot. */
import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fsq, type Project, startWorker, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';

const TYPED = `
import { task } from 'fsq';
interface Pair { readonly a: number; readonly b: number }
export const sum = task('sum', async ({ a, b }: Pair): Promise<number> => a + b);
`;

function withoutTsx(at: Project): Project {
  rmSync(join(at.path, 'node_modules/tsx'));
  return at;
}

const hasOwnStripping = typeof (process.features as { readonly typescript?: unknown }).typescript === 'string';

test('a TypeScript task module is loaded with the tsx of its own project', async (t) => {
  const at = tempProject(t, { 'tasks.ts': TYPED });
  const { send } = sender(t, at);
  await startWorker(t, at, ['-c', '1']);

  assert.equal(await (await send('sum', [{ a: 1, b: 2 }])).get('10s'), 3);
});

test('a TypeScript task module of a CommonJS project works as well', async (t) => {
  const at = tempProject(t, { 'package.json': '{"name":"project"}', 'src/tasks.ts': TYPED });
  const { send } = sender(t, at);
  await startWorker(t, at, ['-c', '1']);

  assert.equal(await (await send('sum', [{ a: 1, b: 2 }])).get('10s'), 3);
});

test('a loader given with --import is used instead', async (t) => {
  const at = withoutTsx(tempProject(t, { 'tasks.ts': TYPED }));
  const { send } = sender(t, at);
  await startWorker(t, at, ['-c', '1', '--import', import.meta.resolve('tsx')]);

  assert.equal(await (await send('sum', [{ a: 1, b: 2 }])).get('10s'), 3);
});

test('a module of --import that is not there is told in a line, before any child is started', async (t) => {
  const at = tempProject(t, { 'tasks.js': '' });

  for (const command of ['worker', 'tasks']) {
    const { code, stderr } = await fsq(at, [command, '--import', 'typo']);

    assert.match(
      stderr,
      new RegExp(
        `^fsq ${command}: Found no module "typo" to import first, from \\S+ upwards\\. .* \\(FSQ_CONFIG\\)\\n$`,
      ),
    );
    assert.equal(code, 78);
  }
});

test('a loader that the worker itself was started with is inherited by its children', async (t) => {
  const at = withoutTsx(tempProject(t, { 'tasks.ts': TYPED }));
  const { send } = sender(t, at);
  await startWorker(t, at, ['-c', '1'], { env: { NODE_OPTIONS: `--import ${import.meta.resolve('tsx')}` } });

  assert.equal(await (await send('sum', [{ a: 1, b: 2 }])).get('10s'), 3);
});

test(
  'without any way to load TypeScript the worker says the three ways out, and claims nothing',
  { skip: hasOwnStripping && 'this Node strips types itself' },
  async (t) => {
    const at = withoutTsx(tempProject(t, { 'tasks.ts': TYPED }));
    const { send } = sender(t, at);
    const result = await send('sum', [{ a: 1, b: 2 }]);

    const { code, stderr } = await fsq(at, ['worker', '-c', '2']);

    assert.equal(code, 78);
    assert.match(stderr, /npm install --save-dev tsx.*Node 22\.18.*--import.*\(FSQ_TYPESCRIPT\)/s);
    assert.equal(await result.state(), 'pending');
  },
);

test('a project without task modules: the worker says where it looked and ends with 78', async (t) => {
  const at = tempProject(t, {});

  const { code, stderr } = await fsq(at, ['worker']);

  assert.equal(code, 78);
  assert.match(stderr, /tasks\.\{ts,mts,js,mjs,cjs\}/);
  assert.match(stderr, /FSQ_NO_TASKS/);
});

test('a named task module that does not exist is an error that names it', async (t) => {
  const at = tempProject(t, {});

  const { code, stderr } = await fsq(at, ['worker', '--tasks', 'jobs/mail.js']);

  assert.equal(code, 78);
  assert.match(stderr, /jobs\/mail\.js does not exist/);
});

test('tasks are found in tasks/, src/ and below, and not in tests, built twins or other packages', async (t) => {
  const one = (name: string): string => `import { task } from 'fsq'; task('${name}', () => 1);`;
  const at = tempProject(t, {
    'tasks/mail.js': one('mail'),
    'tasks/mail.test.js': 'throw new Error("a test was loaded")',
    'src/tasks.js': one('top'),
    'src/billing/tasks.mjs': one('billing'),
    'test/tasks.js': 'throw new Error("a test was loaded")',
    'packages/other/package.json': '{}',
    'packages/other/tasks.js': 'throw new Error("another package was loaded")',
  });

  const worker = await startWorker(t, at, ['-c', '1']);

  assert.match(worker.stderr(), /"tasks":"top,billing,mail"|"tasks":"billing,top,mail"/);
});

test('a task module that throws: the worker shows the stack and ends with 78', async (t) => {
  const at = tempProject(t, { 'tasks.js': 'throw new Error("no database");' });

  const { code, stderr } = await fsq(at, ['worker', '-c', '2']);

  assert.equal(code, 78);
  assert.match(stderr, /no database[\s\S]*tasks\.js:1/);
});

test('two files that register one name: the error names both', async (t) => {
  const at = tempProject(t, {
    'tasks/a.js': `import { task } from 'fsq';\ntask('same', () => 1);`,
    'tasks/b.js': `import { task } from 'fsq';\n\ntask('same', () => 2);`,
  });

  const { code, stderr } = await fsq(at, ['worker', '-c', '1']);

  assert.equal(code, 78);
  assert.match(stderr, /same is registered twice: at .*a\.js:2 and at .*b\.js:3/);
  assert.match(stderr, /FSQ_DUPLICATE_TASK/);
});

test('delay() while a worker imports the module is an error that names the line', async (t) => {
  const at = tempProject(t, {
    'tasks.js': `import { task } from 'fsq';\nconst add = task('add', (a, b) => a + b);\n\nawait add.delay(1, 2);\n`,
  });

  const { code, stderr } = await fsq(at, ['worker', '-c', '1']);

  assert.equal(code, 78);
  assert.match(stderr, /add was delayed while a worker imported .*tasks\.js \(at .*tasks\.js:4\)/);
  assert.match(stderr, /FSQ_DELAY_AT_IMPORT/);
  assert.deepEqual(readdirSync(join(at.spool, 'pending')), []);
});

test('a worker whose modules register no task says so, in every format of the log', async (t) => {
  const at = tempProject(t, { 'tasks.mjs': '' });

  for (const [format, said] of [
    ['json', /"level":40,[^\n]*"msg":"the modules register no task: every job will be parked"/],
    ['text', /\[tasks\]\n {2}\(the modules register no task: every job will be parked\)/],
  ] as const) {
    const worker = await startWorker(t, at, ['-c', '1'], { env: { FSQ_LOG_FORMAT: format } });
    await worker.printed(said);
    assert.equal((await worker.stop()).stderr.match(/register no task/g)?.length, 1);
  }
});

test('on a terminal-like format the banner says version, spool, queues, concurrency and where each task is', async (t) => {
  const at = tempProject(t, {
    'tasks.js': `import { task } from 'fsq';\nexport const add = task('add', (a, b) => a + b);`,
  });

  const { stderr } = await fsq(at, ['worker', '-c', '2', '-Q', 'mail', '--burst'], { env: { FSQ_LOG_FORMAT: 'text' } });

  assert.match(stderr, / fsq v\d+\.\d+\.\d+/);
  assert.match(stderr, /spool: +.*\/spool\n/);
  assert.match(stderr, /queues: +mail\n/);
  assert.match(stderr, /concurrency: +2 children\n/);
  assert.match(stderr, /\. add +tasks\.js:2\n/);
});
