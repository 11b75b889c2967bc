import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import test, { describe, type TestContext } from 'node:test';
import { defineConfig, type Settings } from '../../../../src/app/settings/config.ts';
import { readRedact, resolveSettings } from '../../../../src/app/settings/sources.ts';
import { SETTINGS } from '../../../../src/app/settings/settings-table.ts';
import { UsageError } from '../../../../src/job/errors.ts';
import { tempDir } from '../../../support/temp.ts';

const REDIS = {
  kind: 'redis',
  tls: false,
  host: 'db',
  port: 6379,
  user: null,
  password: null,
  db: 0,
  prefix: 'bull',
} as const;

test('without anything said, there are defaults, and the spool lies beside the nearest package.json', async (t) => {
  const root = project(t, { 'package.json': '{}', 'src/deep/x.txt': '' });

  const settings = await resolveSettings({}, join(root, 'src/deep'), {});

  assert.deepEqual(settings, {
    spool: join(root, 'spool'),
    spoolFrom: 'package',
    broker: null,
    fsync: true,
    tasks: null,
    tasksBase: root,
    imports: [],
    alwaysEager: false,
    resultTtlMs: 86_400_000,
    jobLogBytes: 1_048_576,
    logLevel: 'info',
    allowNetworkFs: false,
    allowUnsafe: false,
    allowExec: false,
    concurrency: null,
    slots: 1,
    startTimeoutMs: 60_000,
    timeLimitMs: null,
    softTimeLimitMs: null,
    maxTasksPerChild: null,
    maxMemoryPerChildBytes: null,
    shutdownTimeoutMs: null,
    queueLimits: new Map(),
    schedules: {},
    stacks: true,
    redact: null,
    env: null,
    configFile: null,
    projectRoot: root,
    notices: [],
  });
});

test('without a package.json the working directory is the root', async (t) => {
  const folder = tempDir(t);

  assert.equal((await resolveSettings({}, folder, {})).spool, join(folder, 'spool'));
});

test('the caller is stronger than the environment, which is stronger than the file, which is stronger than the default', async (t) => {
  const root = project(t, {
    'package.json': '{}',
    'fsq.config.json': '{"spool":"from-file","logLevel":"debug","concurrency":3,"resultTtl":"1h"}',
  });
  const env = { FSQ_SPOOL: 'from-env', FSQ_LOG_LEVEL: 'warn', FSQ_CONCURRENCY: '5' };

  const settings = await resolveSettings({ spool: 'from-caller' }, root, env);

  assert.equal(settings.spool, join(root, 'from-caller'));
  assert.equal(settings.logLevel, 'warn');
  assert.equal(settings.concurrency, 5);
  assert.equal(settings.resultTtlMs, 3_600_000);
});

test('a relative path is relative to who says it: the file that has it, or the working directory', async (t) => {
  const root = project(t, {
    'package.json': '{}',
    'fsq.config.json': '{"spool":"jobs","tasks":["a.ts"]}',
    'src/x': '',
  });
  const cwd = join(root, 'src');

  const fromFile = await resolveSettings({}, cwd, {});
  const fromEnv = await resolveSettings({}, cwd, { FSQ_SPOOL: 'jobs', FSQ_TASKS: 'a.ts , b.ts' });
  const absolute = await resolveSettings({ spool: '/somewhere/else' }, cwd, {});

  assert.equal(fromFile.spool, join(root, 'jobs'));
  assert.equal(fromFile.tasksBase, root);
  assert.equal(fromEnv.spool, join(cwd, 'jobs'));
  assert.equal(fromEnv.tasksBase, cwd);
  assert.deepEqual(fromEnv.tasks, ['a.ts', 'b.ts']);
  assert.equal(absolute.spool, '/somewhere/else');
});

describe('what says where the spool lies is', () => {
  const cases: readonly [string, Readonly<Record<string, string>>, object, NodeJS.ProcessEnv, string, string][] = [
    ['nothing but the folder', {}, {}, {}, 'folder', 'here/spool'],
    ['the nearest package.json', { 'package.json': '{}' }, {}, {}, 'package', 'spool'],
    ['the configuration file without one', { 'fsq.config.json': '{}' }, {}, {}, 'package', 'spool'],
    ['a setting of the file, also a relative one', { 'fsq.config.json': '{"spool":"x"}' }, {}, {}, 'setting', 'x'],
    ['an absolute path', {}, { spool: '/x' }, {}, 'setting', '/x'],
    ['the folder, for a relative variable', { 'package.json': '{}' }, {}, { FSQ_SPOOL: 'x' }, 'folder', 'here/x'],
    ['the folder, for a relative option', { 'package.json': '{}' }, { spool: './x' }, {}, 'folder', 'here/x'],
  ];
  for (const [what, files, given, env, from, spool] of cases) {
    test(what, async (t) => {
      const root = project(t, { ...files, 'here/x.txt': '' });

      const settings = await resolveSettings(given, join(root, 'here'), env);

      assert.deepEqual([settings.spoolFrom, settings.spool], [from, resolve(root, spool)]);
    });
  }

  test('not a folder that has been removed: that is refused, unless an absolute path is said', async (t) => {
    const gone = join(tempDir(t), 'gone');

    for (const [given, env] of [
      [{}, {}],
      [{ spool: 'x' }, {}],
      [{}, { FSQ_SPOOL: './x' }],
    ] as const)
      await assert.rejects(resolveSettings(given, gone, env), /current folder has been removed.*absolute path/);
    assert.equal((await resolveSettings({}, gone, { FSQ_SPOOL: '/x' })).spool, '/x');
  });
});

describe('what is there and not used is told:', () => {
  const cases: readonly [string, readonly string[], NodeJS.ProcessEnv, readonly RegExp[]][] = [
    ['a misspelt variable', [], { FSQ_SPOL: 'x' }, [/FSQ_SPOL is none that fsq knows .*did you mean FSQ_SPOOL\?/]],
    ['another one', [], { FSQ_ZZZZZZZZZZ: '' }, [/FSQ_ZZZZZZZZZZ .* does nothing\.$/]],
    ['a file of a kind that is not read', ['fsq.config.yaml'], {}, [/fsq\.config\.yaml is not read. Known are/]],
    [
      'a second file',
      ['fsq.config.mjs', 'fsq.config.json'],
      {},
      [/fsq\.config\.json is not read\. .*fsq\.config\.mjs is: put all/],
    ],
    ['nothing of known variables', [], { FSQ_WATCH: '1', FSQ_DEBUG: 'x', FSQ_LOG_FORMAT: 'json', FSQ_CHILD: 'x' }, []],
    ['nothing of what tsc made of the file that is read', ['fsq.config.ts', 'fsq.config.js'], {}, []],
    ['nothing of notes beside it', ['fsq.config.json', 'fsq.config.json.bak', 'fsq.config.d.ts'], {}, []],
  ];
  for (const [what, files, env, expected] of cases) {
    test(what, async (t) => {
      const text = (name: string): string => (name.endsWith('json') ? '{}' : 'export default {};');
      const root = project(t, {
        'package.json': '{"type":"module"}',
        ...Object.fromEntries(files.map((name) => [name, text(name)])),
      });

      const { notices } = await resolveSettings({}, root, env);

      assert.equal(notices.length, expected.length, notices.join('\n'));
      for (const [i, pattern] of expected.entries()) assert.match(notices[i] ?? '', pattern);
    });
  }
});

describe('a configuration file may be', () => {
  const forms: Readonly<Record<string, string>> = {
    'fsq.config.json': '{"spool":"x"}',
    'fsq.config.mjs': 'export default { spool: "x" };',
    'fsq.config.js': 'export default { spool: "x" };',
    'fsq.config.ts': 'const config: { spool: string } = { spool: "x" }; export default config;',
    'fsq.config.mts': 'export default { spool: "x" as string };',
    'fsq.config.cjs': 'module.exports = { spool: "x" };',
    'fsq.config.cts': 'module.exports = { spool: "x" as string };',
  };
  for (const [name, text] of Object.entries(forms)) {
    test(name, async (t) => {
      const root = project(t, { 'package.json': '{"type":"module"}', [name]: text });

      assert.equal((await resolveSettings({}, root, {})).spool, join(root, 'x'));
    });
  }
});

describe('variables are read as people write them:', () => {
  for (const [text, value] of [
    ['1', true],
    ['true', true],
    ['YES', true],
    ['on', true],
    ['0', false],
    ['False', false],
    ['no', false],
    ['off', false],
  ] as const) {
    test(`FSQ_FSYNC=${text} is ${value}`, async (t) => {
      assert.equal((await resolveSettings({}, tempDir(t), { FSQ_FSYNC: text })).fsync, value);
    });
  }

  test('an empty one is none', async (t) => {
    const env = { FSQ_SPOOL: '', FSQ_FSYNC: '', FSQ_TASKS: '', FSQ_CONCURRENCY: '', FSQ_RESULT_TTL: '' };

    assert.equal((await resolveSettings({}, tempDir(t), env)).fsync, true);
  });

  const one: Readonly<Record<string, readonly [text: string, settings: Partial<Settings>]>> = {
    FSQ_SPOOL: ['/x', { spool: '/x' }],
    FSQ_BROKER: ['bullmq+redis://:pw@db/1', { broker: { ...REDIS, password: 'pw', db: 1 } }],
    FSQ_FSYNC: ['0', { fsync: false }],
    FSQ_TASKS: ['a.ts, b.ts', { tasks: ['a.ts', 'b.ts'] }],
    FSQ_IMPORT: ['tsx,/x.mjs', { imports: ['tsx', 'file:///x.mjs'] }],
    FSQ_ALWAYS_EAGER: ['1', { alwaysEager: true }],
    FSQ_RESULT_TTL: ['0s', { resultTtlMs: 0 }],
    FSQ_JOB_LOG: ['off', { jobLogBytes: 0 }],
    FSQ_LOG_LEVEL: ['warn', { logLevel: 'warn' }],
    FSQ_ALLOW_NETWORK_FS: ['1', { allowNetworkFs: true }],
    FSQ_ALLOW_UNSAFE: ['1', { allowUnsafe: true }],
    FSQ_ALLOW_EXEC: ['1', { allowExec: true }],
    FSQ_CONCURRENCY: ['512', { concurrency: 512 }],
    FSQ_SLOTS: ['1000', { slots: 1_000 }],
    FSQ_START_TIMEOUT: ['2s', { startTimeoutMs: 2_000 }],
    FSQ_TIME_LIMIT: ['3s', { timeLimitMs: 3_000 }],
    FSQ_SOFT_TIME_LIMIT: ['4s', { softTimeLimitMs: 4_000 }],
    FSQ_MAX_TASKS_PER_CHILD: ['1000', { maxTasksPerChild: 1_000 }],
    FSQ_MAX_MEMORY_PER_CHILD: ['1MB', { maxMemoryPerChildBytes: 1_048_576 }],
    FSQ_SHUTDOWN_TIMEOUT: ['5s', { shutdownTimeoutMs: 5_000 }],
    FSQ_STACKS: ['0', { stacks: false }],
  };
  for (const [name, [text, settings]] of Object.entries(one)) {
    test(`${name} sets its own setting and no other`, async (t) => {
      const cwd = tempDir(t);
      const base = name === 'FSQ_TASKS' ? { tasksBase: cwd } : name === 'FSQ_SPOOL' ? { spoolFrom: 'setting' } : {};

      const without = await resolveSettings({}, cwd, {});

      assert.deepEqual(await resolveSettings({}, cwd, { [name]: text }), { ...without, ...base, ...settings });
    });
  }

  test('these are all there are', () => {
    const known = Object.values(SETTINGS).flatMap(({ variable }) => variable ?? []);

    assert.deepEqual(Object.keys(one).toSorted(), known.toSorted());
  });
});

describe('stacks are kept', () => {
  const cases: readonly [string, object, NodeJS.ProcessEnv, boolean][] = [
    ['in development', {}, { NODE_ENV: 'development' }, true],
    ['not in production', {}, { NODE_ENV: 'production' }, false],
    ['in production when asked for', {}, { NODE_ENV: 'production', FSQ_STACKS: '1' }, true],
    ['not when refused', {}, { FSQ_STACKS: '0' }, false],
    ['as the caller says', { stacks: true }, { FSQ_STACKS: '0' }, true],
  ];
  for (const [when, given, env, expected] of cases) {
    test(when, async (t) => {
      assert.equal((await resolveSettings(given, tempDir(t), env)).stacks, expected);
    });
  }
});

test('a redaction of the configuration file is found with the file it stands in, and read from it again', async (t) => {
  const root = project(t, {
    'package.json': '{}',
    'fsq.config.mjs': 'export default { redact: (text) => text.toUpperCase(), env: ["DATABASE_URL"] };',
  });

  const { redact, configFile, env } = await resolveSettings({}, root, {});

  assert.equal(redact?.('a'), 'A');
  assert.deepEqual(env, ['DATABASE_URL']);
  assert.equal(configFile, join(root, 'fsq.config.mjs'));
  assert.equal((await readRedact(configFile ?? ''))('b'), 'B');
});

test('a file that has lost its redaction is refused, not taken for one without secrets', async (t) => {
  const root = project(t, { 'fsq.config.json': '{}' });

  await assert.rejects(readRedact(join(root, 'fsq.config.json')), /Expected `redact` in .*fsq\.config\.json/);
});

describe('what is wrong is named, with where it was said and what was wanted:', () => {
  const wrong: readonly [string, object, NodeJS.ProcessEnv, RegExp][] = [
    ['a flag', {}, { FSQ_FSYNC: 'maybe' }, /Expected FSQ_FSYNC to be true or false .*, got "maybe"/],
    [
      'a number',
      {},
      { FSQ_CONCURRENCY: 'many' },
      /Expected FSQ_CONCURRENCY to be a whole number from 1 to 512, got "many"/,
    ],
    ['a number with more behind it', {}, { FSQ_CONCURRENCY: '4x' }, /FSQ_CONCURRENCY .*, got "4x"/],
    ['a number of another base', {}, { FSQ_MAX_TASKS_PER_CHILD: '0x10' }, /FSQ_MAX_TASKS_PER_CHILD .*, got "0x10"/],
    ['a number too large', { concurrency: 513 }, {}, /`concurrency` in the options/],
    ['slots of nothing', { slots: 0 }, {}, /`slots` in the options/],
    ['half a process', { concurrency: 1.5 }, {}, /`concurrency`/],
    ['a duration', {}, { FSQ_RESULT_TTL: 'soon' }, /FSQ_RESULT_TTL.*got "soon"/],
    ['a time before the end', { resultTtl: { failed: -1 } }, {}, /`resultTtl` in the options .*durations by state/],
    ['a time for no number', { resultTtl: Number.NaN }, {}, /`resultTtl` in the options/],
    ['a state that is none', {}, { FSQ_RESULT_TTL: 'done=1d' }, /FSQ_RESULT_TTL to be .* got "done=1d"/],
    ['a state twice', {}, { FSQ_RESULT_TTL: 'failed=1d,failed=2d' }, /FSQ_RESULT_TTL .*got "failed=1d,failed=2d"/],
    ['a state without a time', {}, { FSQ_RESULT_TTL: 'failed=' }, /FSQ_RESULT_TTL/],
    ['a time without a state', {}, { FSQ_RESULT_TTL: '1d,failed=7d' }, /FSQ_RESULT_TTL .*got "1d,failed=7d"/],
    ['a level', { logLevel: 'loud' }, {}, /one of debug, info, warn, error, silent, got "loud"/],
    ['an empty path', { spool: '' }, {}, /`spool` in the options to be a directory's path/],
    [
      'an address for a spool',
      {},
      { FSQ_SPOOL: 'bullmq+redis://:s3cret@db\r' },
      /^(?!.*s3cret).*FSQ_SPOOL .*got an address.*FSQ_BROKER/,
    ],
    [
      'an address for a spool of a call',
      { spool: 'redis://:s3cret@db' },
      {},
      /^(?!.*s3cret).*`spool` in the options .*got an address/,
    ],
    [
      'an address that is none',
      {},
      { FSQ_BROKER: 'redis://:s3cret@db' },
      /^(?!.*s3cret)Expected FSQ_BROKER .*did you mean bullmq\+redis/,
    ],
    [
      'an address in parts',
      { broker: { password: 's3cret' } },
      {},
      /^(?!.*s3cret).*`broker` in the options .*got an object/,
    ],
    ['a path with a NUL', {}, { FSQ_SPOOL: 'a\0b' }, /FSQ_SPOOL to be a directory's path/],
    ['a path from a file of Windows', {}, { FSQ_SPOOL: '/srv/jobs\r' }, /FSQ_SPOOL .*, got "\/srv\/jobs\\r"/],
    ['a path with a blank at its end', { spool: '/srv/jobs ' }, {}, /`spool` in the options/],
    ['modules from a file of Windows', { tasks: ['a.mjs\r'] }, {}, /`tasks` in the options .*control characters/],
    [
      'a format of the log',
      {},
      { FSQ_LOG_FORMAT: 'jsonl' },
      /FSQ_LOG_FORMAT to be one of text, colour, json, got "jsonl"/,
    ],
    ['a watch', {}, { FSQ_WATCH: 'off\r' }, /FSQ_WATCH to be one of 0, 1, got "off\\r"/],
    ['a path that is a number', { spool: 1 }, {}, /`spool`.*got 1/],
    ['tasks that are numbers', { tasks: [1] }, {}, /`tasks`/],
    ['a redaction that is no function', { redact: 'all' }, {}, /`redact` in the options to be a function, got "all"/],
    ['variables with their values', { env: ['A=1'] }, {}, /`env` in the options to be an array of names/],
    ['one variable as text', { env: 'A' }, {}, /`env`/],
    ['no time to start', {}, { FSQ_START_TIMEOUT: '0s' }, /FSQ_START_TIMEOUT to be a duration/],
    ['no time to run', {}, { FSQ_TIME_LIMIT: '0s' }, /FSQ_TIME_LIMIT to be a duration .*more than 0/],
    ['a limit below nothing', { softTimeLimit: -1 }, {}, /`softTimeLimit` in the options/],
    [
      'a soft limit that the hard one never lets come',
      { softTimeLimit: '5m' },
      { FSQ_TIME_LIMIT: '5m' },
      /`softTimeLimit` to be shorter than `timeLimit`, got 300000 ms and 300000 ms/,
    ],
    ['no job for a child', {}, { FSQ_MAX_TASKS_PER_CHILD: '0' }, /FSQ_MAX_TASKS_PER_CHILD to be a whole/],
    ['memory without a unit', {}, { FSQ_MAX_MEMORY_PER_CHILD: '200' }, /FSQ_MAX_MEMORY_PER_CHILD .* such as '200MB'/],
    ['no time to shut down', { shutdownTimeout: 0 }, {}, /`shutdownTimeout` in the options .*more than 0/],
    ['stacks', {}, { FSQ_STACKS: 'some' }, /Expected FSQ_STACKS to be true or false/],
    ['a misspelt name', { spol: 'x' }, {}, /Unknown setting "spol" in the options; did you mean spool\?/],
    ['a name that objects have', { constructor: 1 }, {}, /Unknown setting "constructor"/],
  ];
  for (const [key, { variable, kind }] of Object.entries(SETTINGS)) {
    test(`${key}, by its own name wherever it is given`, async (t) => {
      const root = project(t, { 'fsq.config.mjs': `export default { ${key}: -1 };` });
      const message = (name: string): string => `Expected ${name} to be ${kind.wanted}, got `;
      const wanted = (name: string) => (error: unknown) =>
        error instanceof UsageError && error.message.startsWith(message(name));

      await assert.rejects(resolveSettings({ [key]: -1 }, tempDir(t), {}), wanted(`\`${key}\` in the options`));
      await assert.rejects(resolveSettings({}, root, {}), wanted(`\`${key}\` in ${root}/fsq.config.mjs`));
      if (variable === undefined) return;
      await assert.rejects(resolveSettings({}, tempDir(t), { [variable]: '\r' }), (error) =>
        kind.form === 'flag'
          ? error instanceof UsageError &&
            error.message === `Expected ${variable} to be true or false (or 1, yes, on and 0, no, off), got "\\r"`
          : wanted(variable)(error),
      );
    });
  }

  for (const [what, given, env, message] of wrong) {
    test(what, async (t) => {
      await assert.rejects(
        resolveSettings(given, tempDir(t), env),
        (error) => error instanceof UsageError && error.code === 'FSQ_CONFIG' && message.test(error.message),
      );
    });
  }

  const files: readonly [string, string, string, RegExp][] = [
    ['a file that throws', 'fsq.config.mjs', 'throw new Error("oops")', /fsq\.config\.mjs cannot be loaded: oops/],
    [
      'a file without a default export',
      'fsq.config.mjs',
      'export const spool = 1;',
      /as its default export.*got undefined/,
    ],
    ['a file that is no JSON', 'fsq.config.json', '{', /fsq\.config\.json cannot be loaded/],
    ['a file that is an array', 'fsq.config.json', '[]', /an object of settings/],
    [
      'a setting in a file',
      'fsq.config.json',
      '{"fsync":"yes"}',
      /`fsync` in \/.*fsq\.config\.json to be true or false, got "yes"/,
    ],
  ];
  for (const [what, name, text, message] of files) {
    test(what, async (t) => {
      const root = project(t, { 'package.json': '{}', [name]: text });

      await assert.rejects(
        resolveSettings({}, root, {}),
        (error) => error instanceof UsageError && error.code === 'FSQ_CONFIG' && message.test(error.message),
      );
    });
  }
});

test('defineConfig gives back what it is given', () => {
  const config = { spool: './jobs', resultTtl: '2h' } as const;

  assert.equal(defineConfig(config), config);
});

function project(t: TestContext, files: Readonly<Record<string, string>>): string {
  const root = tempDir(t);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return root;
}
