/** What errors, stacks and the environment could tell of secrets: they stay where the settings say that they stay. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { createApp, TaskError } from 'fsq';
import { until } from '../support/conditions.ts';
import { namesIn } from '../support/invariants.ts';
import { fsq, type Project, type RunOptions, startWorker, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';

const CANARY = 'kn0ck-kn0ck-canary';

/** Each fails with the canary, which no file of the project holds as it is: a frame of a stack could show it. */
const TASKS = `
import { createApp, task } from 'fsq';
const secret = ['kn0ck', 'kn0ck', 'canary'].join('-');
const secretive = () => Object.assign(
  new Error('no ' + secret, { cause: new TypeError('for ' + secret, { cause: secret }) }),
  { name: 'Bad ' + secret, code: 'E_' + secret },
);
task('throws', () => { throw secretive(); });
task('throws-text', () => { throw secret; });
task('returns', () => ({ [secret]: new Date() }));
task('uncaught', () => new Promise(() => setTimeout(() => { throw secretive(); })));
task('unhandled', () => new Promise(() => { Promise.reject(secretive()); }));
task('add', (a, b) => a + b);
task('environment', () => Object.keys(process.env));
createApp({ redact: (text) => text.split(secret).join('of the app') }).task('of-an-app', () => { throw secretive(); });
`;
const REDACTION = "(text) => text.replaceAll(['kn0ck', 'kn0ck', 'canary'].join('-'), '***')";
const FAILING = ['throws', 'throws-text', 'returns', 'of-an-app'];

function projectWith(t: TestContext, config: string | null, files: Readonly<Record<string, string>> = {}): Project {
  const configFile = config === null ? {} : { 'fsq.config.js': `export default { ${config} };` };
  return tempProject(t, { 'tasks.js': TASKS, ...configFile, ...files });
}

/** Fails a job of each task, looks at it with every command, and gives all that was said, logged and kept. */
async function tellings(
  t: TestContext,
  at: Project,
  tasks: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { send, app } = sender(t, at);
  await app.broker();
  const worker = await startWorker(t, at, ['-c', '1', '-l', 'debug'], options);
  const ids: string[] = [];
  for (const name of tasks) {
    const result = await send(name, []);
    await assert.rejects(result.get('20s'), TaskError);
    ids.push(result.id);
  }
  const commands = [
    ['status'],
    ['ls'],
    ...ids.flatMap((id) => [
      ['show', id],
      ['show', id, '--json'],
      ['get', id],
    ]),
  ];
  const said: string[] = [];
  for (const args of commands) {
    const { stdout, stderr } = await fsq(at, args);
    said.push(stdout, stderr);
  }
  const { stderr } = await worker.stop();
  return [...said, stderr, everyFile(at.spool)].join('\n');
}

function everyFile(folder: string): string {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n');
}

describe('texts of errors', () => {
  test('are kept and shown as they are when nothing is said of them', async (t) => {
    const told = await tellings(t, projectWith(t, null), ['throws']);

    assert.match(told, /kn0ck-kn0ck-canary/);
    assert.match(told, /tasks\.js:\d+/);
  });

  test('are redacted in outcomes, in logs and by every command, those of causes too', async (t) => {
    const told = await tellings(t, projectWith(t, `redact: ${REDACTION}`), FAILING);

    assert.doesNotMatch(told, /canary/);
    assert.match(told, /"name":"Bad \*\*\*","message":"no \*\*\*"/);
    assert.match(told, /"code":"E_\*\*\*"/);
    assert.match(told, /of the app/);
  });

  for (const [what, redact] of [
    ['throws', '(text) => { throw new Error(text); }'],
    ['gives no string', '(text) => [text]'],
    ['is async and rejects', 'async (text) => { throw new Error(text); }'],
  ] as const) {
    test(`are replaced when redact ${what}, and the worker lives`, async (t) => {
      const at = projectWith(t, `redact: ${redact}`);

      const told = await tellings(t, at, ['throws', 'throws-text', 'throws']);

      assert.doesNotMatch(told, /canary/);
      assert.match(told, /"message":"\(removed: the setting `redact` threw, or gave no string\)"/);
      assert.doesNotMatch(told, /exited with/);
    });
  }

  for (const [setting, env] of [
    [`redact: ${REDACTION}`, {}],
    [`redact: ${REDACTION}`, { FSQ_LOG_FORMAT: 'text' }],
    [`redact: ${REDACTION}, stacks: false`, {}],
  ] as const) {
    test(`of an error that nobody caught are redacted in the log too: ${setting} ${Object.keys(env).join('')}`, async (t) => {
      const at = projectWith(t, setting);
      const { send } = sender(t, at);
      const worker = await startWorker(t, at, ['-c', '1'], { env });

      for (const name of ['uncaught', 'unhandled']) {
        await send(name, []);
        await worker.printed(name === 'uncaught' ? /exited with 1/ : /exited with 1[^]*exited with 1/);
      }
      worker.kill('SIGQUIT');
      const { stderr } = await worker.ended;

      assert.match(stderr, /nobody caught (Error|Bad|.*: )/);
      assert.doesNotMatch(stderr, /canary/);
      if (setting.includes('stacks')) assert.doesNotMatch(stderr, /tasks\.js/);
    });
  }

  test('of an error of a task module are redacted', async (t) => {
    const broken = `throw new Error(['kn0ck', 'kn0ck', 'canary'].join('-'));`;
    const at = projectWith(t, `redact: ${REDACTION}`, { 'tasks.js': broken });

    const { code, stderr } = await fsq(at, ['worker', '-c', '1']);

    assert.equal(code, 78);
    assert.match(stderr, /\*\*\*[^]*tasks\.js:1/);
    assert.doesNotMatch(stderr, /canary/);
  });

  test('stay secret when the redaction is gone from the file: no child starts without it', async (t) => {
    const at = projectWith(t, `redact: ${REDACTION}`);
    const { send } = sender(t, at);
    const worker = await startWorker(t, at, ['-c', '1']);
    writeFileSync(join(at.path, 'fsq.config.js'), 'export default {};');

    await send('uncaught', []);
    await worker.printed(/Expected `redact` in .*fsq\.config\.js/);

    writeFileSync(join(at.path, 'fsq.config.js'), `export default { redact: ${REDACTION} };`);
    assert.equal(await (await send('add', [1, 2])).get('20s'), 3);
    worker.kill('SIGQUIT');
    assert.doesNotMatch((await worker.ended).stderr, /canary/);
  });

  test('are redacted in eager mode', async (t) => {
    const app = createApp({ alwaysEager: true, redact: (text) => text.replaceAll(CANARY, '***') });
    t.after(() => app.close());
    const result = await app
      .task('eager', () => {
        throw new Error(`no ${CANARY}`, { cause: CANARY });
      })
      .delay();

    await assert.rejects(result.get(), (error: unknown) => {
      assert.ok(error instanceof TaskError);
      assert.equal(error.message, 'no ***');
      assert.doesNotMatch(JSON.stringify([error.remoteStack, error.cause]), /canary/);
      return true;
    });
    assert.doesNotMatch(JSON.stringify(await result.info()), /canary/);
  });
});

describe('stacks', () => {
  for (const [when, config, env] of [
    ['when FSQ_STACKS is 0', null, { FSQ_STACKS: '0' }],
    ['in production', null, { NODE_ENV: 'production' }],
    ['when the configuration says so', 'stacks: false', {}],
  ] as const) {
    test(`are in no outcome, attempt or log ${when}`, async (t) => {
      const told = await tellings(t, projectWith(t, config), ['throws', 'throws-text'], { env });

      assert.match(told, /kn0ck-kn0ck-canary/);
      assert.doesNotMatch(told, /tasks\.js:\d+:\d+|"stack"|file:\/\//);
    });
  }

  test('of a task module that cannot be imported are left out, and the module is named', async (t) => {
    const at = projectWith(t, null, { 'tasks.js': `const canary = 1;\nthrow new RangeError('no database');` });

    const { code, stderr } = await fsq(at, ['worker', '-c', '1'], { env: { FSQ_STACKS: '0' } });

    assert.equal(code, 78);
    assert.match(stderr, /\/tasks\.js cannot be imported: RangeError: no database/);
    assert.doesNotMatch(stderr, /canary|tasks\.js:2/);
  });
});

describe('the environment of a worker', () => {
  const env = { DATABASE_URL: 'postgres://x', AWS_SECRET: CANARY, NODE_AUTH_TOKEN: CANARY };

  for (const [what, args, config] of [
    ['--env', ['--env', 'DATABASE_URL,NOT_SET'], null],
    ['--env, repeated,', ['--env', 'NOT_SET', '--env', 'DATABASE_URL'], null],
    ['the setting env', [], `env: ['DATABASE_URL', 'NOT_SET']`],
  ] as const) {
    test(`reaches children as ${what} names it, with what Node needs`, async (t) => {
      const at = projectWith(t, config);
      const { send } = sender(t, at);
      const worker = await startWorker(t, at, ['-c', '1', ...args], { env });

      const names = (await (await send('environment', [])).get('20s')) as readonly string[];

      assert.deepEqual(
        ['DATABASE_URL', 'PATH', 'FSQ_LOG_FORMAT'].filter((name) => !names.includes(name)),
        [],
      );
      assert.deepEqual(
        names.filter((name) => /^(AWS_|NODE_AUTH|npm_|GITHUB_)/.test(name)),
        [],
      );
      assert.match(worker.stderr(), /not set, so children do not get it either: NOT_SET"/);
    });
  }

  test('reaches children whole when nothing is said', async (t) => {
    const at = projectWith(t, null);
    const { send } = sender(t, at);
    await startWorker(t, at, ['-c', '1'], { env });

    const names = (await (await send('environment', [])).get('20s')) as readonly string[];

    assert.ok(names.includes('AWS_SECRET') && names.includes('DATABASE_URL'));
  });

  test('and the working directory are in no file of a job', async (t) => {
    const at = projectWith(t, null);
    const { send } = sender(t, at);
    const waiting = await send('add', [1, 2], { countdown: '1h' });
    const inDelayed = everyFile(join(at.spool, 'delayed'));
    await startWorker(t, at, ['-c', '1'], { env });
    await (await send('add', [1, 2])).get('20s');
    await until(() => namesIn(at.spool, 'results').length === 1, 'the job has ended');

    const files = inDelayed + everyFile(join(at.spool, 'results'));

    assert.match(files, new RegExp(waiting.id));
    assert.deepEqual(
      [...Object.keys(env), ...Object.values(env), at.path].filter((text) => files.includes(text)),
      [],
    );
  });
});
