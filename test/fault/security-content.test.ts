/** Hostile content of job files and results: it is data, never code, never a path, never an order to a terminal, and it is not told on. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { SpoolError, UsageError } from 'fsq';
import { encodeBase } from '../../src/job/document.ts';
import { encodeTail } from '../../src/job/tail.ts';
import { until } from '../support/conditions.ts';
import { jobRecord, nextId } from '../support/factory.ts';
import { namesIn } from '../support/invariants.ts';
import { fsq, type Project, type Ran, startWorker, tempProject } from '../support/project.ts';
import { sender, type SenderHandle } from '../support/sender.ts';

const TASKS = `
import { execFileSync } from 'node:child_process';
import { task } from 'fsq';
task('add', (a, b) => a + b);
task('echo', (...args) => args);
task('throws', (text) => { throw Object.assign(new Error(text), { name: text, code: text }); });
task('pollution', () => [...Object.keys(Object.prototype), ...Object.keys(Function.prototype), ({}).polluted ?? 'clean']);
task('descriptors', () => execFileSync('ls', ['-l', '/proc/self/fd'], { encoding: 'utf8' }));
task('environment', () => Object.keys(process.env));
`;

/** Sets the clipboard, clears the screen, returns to the line's start, turns text round, and a control sequence in one byte. */
const NASTY = '\u001b]52;c;ZXZpbA==\u0007\u001b[2J\r\nFORGED\u202eevil\u009b31m\u061c\u2028\u007f';
/** What a terminal obeys, or what turns text round; a newline ends a line and is all that may be there. */
// eslint-disable-next-line no-control-regex -- control characters are exactly what this must find
const OBEYED = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;

async function scene(t: TestContext): Promise<SenderHandle & { readonly at: Project }> {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const handle = sender(t, at);
  await handle.app.broker();
  return { at, ...handle };
}

/** A job's file as another program writes it. Its id. */
function plant(at: Project, content: unknown, directory = 'pending'): string {
  const id = nextId();
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  const name = directory === 'results' ? `${id}.json` : `5.${id}.default.0.0.json`;
  writeFileSync(join(at.spool, directory, name), text, { mode: 0o600 });
  return id;
}

function nested(levels: number, open: string, close: string): string {
  return open.repeat(levels) + close.repeat(levels);
}

/** What each command that looks at the spool says. */
async function looks(at: Project, ids: readonly string[]): Promise<readonly Ran[]> {
  const commands = [
    ['status'],
    ['status', '--json'],
    ['ls', '--limit', '0'],
    ['ls', '--json', '--limit', '0'],
    ...ids.flatMap((id) => [
      ['show', id],
      ['show', id, '--json'],
      ['get', id, '--timeout', '0s'],
    ]),
  ];
  const ran: Ran[] = [];
  while (commands.length > 0) ran.push(...(await Promise.all(commands.splice(0, 3).map((args) => fsq(at, args)))));
  return ran;
}

describe('log and terminal injection', () => {
  for (const format of ['text', 'json']) {
    test(`in name, arguments, error, id and file names: nothing is obeyed in a worker's ${format} log or by any command`, async (t) => {
      const { at, send } = await scene(t);
      const worker = await startWorker(t, at, ['-c', '1', '-l', 'debug'], { env: { FSQ_LOG_FORMAT: format } });
      const thrown = await send('throws', [NASTY]);
      await assert.rejects(thrown.get('10s'));
      const ids = [
        thrown.id,
        (await send('echo', [NASTY])).id,
        plant(at, { task: NASTY }),
        plant(at, { task: 'add', id: NASTY }),
        plant(at, { task: 'nobody', args: [NASTY], headers: { [NASTY]: NASTY }, [NASTY]: 1 }),
        plant(at, {
          task: 'echo',
          args: [],
          attempts: [
            {
              attempt: 0,
              endedAtMs: 1,
              owner: NASTY,
              error: { name: NASTY, message: NASTY, stack: NASTY, code: NASTY },
            },
          ],
          parked: { reason: NASTY, sinceMs: 1 },
        }),
      ];
      writeFileSync(join(at.spool, 'pending', `${NASTY.replaceAll('/', '')}.json`), '');
      await until(async () => namesIn(at.spool, 'pending').length === 1, 'all jobs were looked at');

      // The commands do not depend on the worker's format: once is enough.
      const ran = format === 'json' ? await looks(at, ids) : [];
      const { stderr } = await worker.stop();

      assert.doesNotMatch(stderr, OBEYED);
      if (format === 'json') for (const line of stderr.trim().split('\n')) assert(JSON.parse(line));
      assert.equal(stderr.split('\n').filter((line) => line.startsWith('FORGED')).length, 0);
      for (const { stdout, stderr: messages } of ran) {
        assert.doesNotMatch(stdout, OBEYED);
        assert.doesNotMatch(messages, OBEYED);
        assert.doesNotMatch(`${stdout}\n${messages}`, /^FORGED/m);
      }
    });
  }
});

test('secrets in arguments and values are in no log, listing, status, command line or environment', async (t) => {
  const { at, send, app } = await scene(t);
  const secret = 'kn0ck-kn0ck-canary';
  const worker = await startWorker(t, at, ['-c', '1', '-l', 'debug']);
  const result = await send('echo', [secret, { password: secret }]);
  await result.get('10s');
  await send('nobody', [secret]);
  await send('echo', [secret], { countdown: '1h' });
  const broken = [
    plant(at, { task: 'add', args: secret }),
    plant(at, `{"task":"add","args":["${secret}"`),
    plant(at, { task: 'add', args: [secret], v: 9 }),
  ];
  for (const id of broken)
    await assert.rejects(app.result(id).get('10s'), (error: Error) => !error.message.includes(secret));

  const seen = (await looks(at, [])).map(({ stdout, stderr }) => stdout + stderr);
  const processes = [worker.pid, ...childrenOf(worker.pid)].flatMap((pid) =>
    ['cmdline', 'environ'].map((file) => readFileSync(`/proc/${pid}/${file}`, 'utf8')),
  );
  const { stderr } = await worker.stop();

  for (const text of [...seen, ...processes, stderr]) assert(!text.includes('canary'), text);
});

test('a task name is looked up among the registered tasks and nowhere else', async (t) => {
  const { at, app } = await scene(t);
  const valid = [
    'constructor',
    '__proto__',
    'toString',
    'hasOwnProperty',
    'prototype',
    'child_process.exec',
    'file:///etc/passwd',
    'node:child_process',
    'process.exit',
    'globalThis',
  ];
  const invalid = ['../tasks.js', './tasks.js', '', ' ', 'a b', 'x'.repeat(129), '[object Object]'];
  const parked = valid.map((task) => plant(at, { task, args: ['x'] }));
  const refused = [
    ...invalid.map((task) => plant(at, { task })),
    plant(at, { task: { toString: 1 } }),
    plant(at, { task: ['add'] }),
  ];
  const worker = await startWorker(t, at, ['-c', '1']);

  for (const id of refused) await assert.rejects(app.result(id).get('10s'), /is not a job: its task is/);
  await until(() => namesIn(at.spool, 'delayed').length === valid.length, 'the unknown tasks are parked');

  for (const id of parked) assert.equal((await app.result(id).info())?.record?.outcome ?? null, null);
  assert.equal((await worker.stop()).code, 0);
});

test('keys that would change prototypes stay plain data', async (t) => {
  const { at, send, app } = await scene(t);
  const evil = '{"polluted":"yes","__proto__":{"polluted":"yes"},"constructor":{"prototype":{"polluted":"yes"}}}';
  const ids = [
    `{"task":"echo","args":[${evil}],"options":${evil},"headers":${evil},"__proto__":{"polluted":"yes","attempts":[]},"parked":${evil}}`,
    `{"task":"echo","args":[],"headers":{"__proto__":"text"},"attempts":[${evil},{"attempt":0,"endedAtMs":0,"owner":"x","error":${evil}}]}`,
  ].map((text) => plant(at, text));
  await startWorker(t, at, ['-c', '1']);

  for (const id of ids) await app.result(id).get('10s');
  const found = await (await send('pollution', [])).get('10s');

  assert.deepEqual(found, ['clean']);
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
});

test('bombs: nested, long and huge files end in corrupt/, and the worker goes on', async (t) => {
  const { at, send, app } = await scene(t);
  const chain = `${'{"message":"m","cause":'.repeat(100_000)}null${'}'.repeat(100_000)}`;
  const harmless = plant(
    at,
    `{"task":"add","args":[1,2],"attempts":[{"attempt":0,"endedAtMs":0,"owner":"x","error":${chain}}]}`,
  );
  const bombs = [
    plant(at, `{"task":"echo","args":[${nested(100_000, '[', ']')}]}`),
    plant(at, `{"task":"echo","args":[${nested(66, '{"a":', '1}')}]}`),
    plant(at, nested(100_000, '[', ']')),
    plant(at, `{"task":"echo","args":["${'x'.repeat(9 * 1024 * 1024)}"]}`),
  ];
  const sparse = plant(at, '');
  truncateSync(join(at.spool, 'pending', `5.${sparse}.default.0.0.json`), 2 ** 31);
  const many = plant(at, `{"task":"echo","args":[${'0,'.repeat(1_000_000)}0]}`);
  const worker = await startWorker(t, at, ['-c', '1']);

  for (const id of [...bombs, sparse]) await assert.rejects(app.result(id).get('20s'), /is not a job/);
  await assert.rejects(app.result(many).get('20s'), { code: 'FSQ_TASK_FAILED' });
  assert.equal(await app.result(harmless).get('20s'), 3);
  assert.equal(await (await send('add', [1, 2])).get('10s'), 3);
  assert.equal((await worker.stop()).code, 0);
  assert.doesNotMatch(worker.stderr(), /exited with|was killed/);
});

test('a forged result is refused: get() checks its id, its size and its shape; listings survive it', async (t) => {
  const { at, app } = await scene(t);
  const good =
    encodeBase(jobRecord()).slice(0, -1) +
    encodeTail([], {
      outcome: { state: 'succeeded', value: 1 },
      standing: { queue: 'default', priority: 5, attempt: 1, crashes: 0 },
    });
  const forged: Readonly<Record<string, string>> = {
    'another id': plant(at, good, 'results'),
    'no outcome': plant(at, { task: 'add' }, 'results'),
    'an unknown state': plant(at, { task: 'add', attempts: [], state: 'splendid', value: 1 }, 'results'),
    'an array': plant(at, [1], 'results'),
    empty: plant(at, '', 'results'),
    'no JSON': plant(at, 'value', 'results'),
    'a value too deep': plant(
      at,
      `{"task":"add","attempts":[],"state":"succeeded","value":${nested(100_000, '[', ']')}}`,
      'results',
    ),
    'two gigabytes': plant(at, '', 'results'),
  };
  truncateSync(join(at.spool, 'results', `${forged['two gigabytes']}.json`), 2 ** 31);
  const link = nextId();
  symlinkSync('/etc/passwd', join(at.spool, 'results', `${link}.json`));
  const folder = nextId();
  mkdirSync(join(at.spool, 'results', `${folder}.json`));

  for (const [what, id] of Object.entries({ ...forged, 'a link': link, 'a folder': folder }))
    await assert.rejects(
      app.result(id).get(0),
      (error: unknown) => error instanceof SpoolError && error.code === 'FSQ_CORRUPT_JOB',
      what,
    );
  const odd = plant(
    at,
    {
      task: 'add',
      enqueuedAtMs: 1e300,
      attempts: [{ attempt: 1e300, endedAtMs: 1e300, startedAtMs: -1e300, owner: 'x' }],
      state: 'failed',
      error: 'text',
    },
    'results',
  );
  await assert.rejects(app.result(odd).get(0), /does not say why/);

  const [status, , ls] = await looks(at, []);
  const shown = await Promise.all([odd, link, forged['an array'] ?? ''].map((id) => fsq(at, ['show', id])));
  for (const look of [status, ls, ...shown]) assert.equal(look?.code, 0, look?.stderr);
});

describe('path traversal', () => {
  const corpus = [
    '..',
    '.',
    '../..',
    '../results/x',
    '/etc/passwd',
    'a/b',
    'a\\b',
    '..\\..',
    'D:evil',
    'CON',
    'CON.json',
    'nul',
    '..%2f..',
    '%2e%2e',
    '．．',
    '‥',
    '__proto__',
    'x'.repeat(300),
    `${nextId()}/../x`,
    `${nextId()}.json`,
    `../${nextId()}`,
    '*',
    '?',
    '~',
    '-',
    ' ',
    'a\nb',
  ];

  test('ids of handles and queues of jobs: refused before any file is touched', async (t) => {
    const { at, app, send } = await scene(t);

    for (const text of [...corpus, 'a\0b', `${nextId()}\0`]) {
      assert.throws(() => app.result(text), UsageError, text);
      if (/^[a-z0-9][a-z0-9_-]*$/.test(text) && text.length < 65 && text !== 'nul') continue;
      await assert.rejects(send('add', [1, 2], { queue: text }), UsageError, text);
    }
    assert.deepEqual(namesIn(at.spool, 'pending'), []);
  });

  test('ids and queues on the command line: a usage error or an unknown job, whatever is asked', async (t) => {
    const { at } = await scene(t);
    const asked = ['..', '../../etc/passwd', 'CON.json', '__proto__', `../${nextId()}`];

    for (const text of asked) {
      const ran = await Promise.all([
        fsq(at, ['show', text]),
        fsq(at, ['call', 'add', '1', '--queue', text]),
        fsq(at, ['worker', '-Q', text]),
      ]);
      for (const { code, stdout, stderr } of ran) {
        assert.match(`${code}`, /^[23]$/, `${text}: ${stderr}`);
        assert.equal(stdout, '');
      }
    }
    assert.deepEqual(namesIn(at.spool, 'pending'), []);
  });

  test('owner names in running/ and workers/ that are none: left alone', async (t) => {
    const { at, send } = await scene(t);
    const names = [
      '..x',
      '1-..',
      '1-0123456789abcdef~..',
      '1-0123456789ABCDEF',
      '0123456789abcdef',
      '1-0123456789abcdef~2',
      '~',
      '-',
      'CON',
      'x'.repeat(200),
    ];
    for (const name of names) {
      mkdirSync(join(at.spool, 'running', name));
      writeFileSync(join(at.spool, 'running', name, 'precious'), '');
      writeFileSync(join(at.spool, 'workers', `${name}.json`), '{}');
    }
    const worker = await startWorker(t, at, ['-c', '1']);
    const value = await (await send('add', [1, 2])).get('10s');
    const { code } = await worker.stop();

    assert.equal(value, 3);
    assert.equal(code, 0);
    assert.deepEqual(namesIn(at.spool, 'running'), names.toSorted());
    for (const name of names) assert.deepEqual(namesIn(at.spool, `running/${name}`), ['precious']);
  });
});

test(
  "what a task starts inherits no descriptor of fsq, and no job is in anyone's environment",
  { skip: process.platform !== 'linux' && 'needs /proc' },
  async (t) => {
    const { at, send } = await scene(t);
    const worker = await startWorker(t, at, ['-c', '2']);

    const listing = String(await (await send('descriptors', ['argument'])).get('10s'));
    const ours = new Set(descriptorsOf(process.pid));
    const inherited = [...listing.matchAll(/ (\d+) -> (\S+)/g)].map(([, fd, target]) => ({
      fd: Number(fd),
      target: target ?? '',
    }));
    const environment = (await (await send('environment', [])).get('10s')) as readonly string[];

    assert(inherited.length >= 3, listing);
    assert.deepEqual(
      inherited.filter(({ fd, target }) => fd > 2 && !target.startsWith('/proc/') && !ours.has(target)),
      [],
      listing,
    );
    // A child of a worker holds nothing of the spool for long but its own socket: a directory only while it is synced.
    await until(() => {
      const held = childrenOf(worker.pid).flatMap(descriptorsOf);
      return !held.some((target) => target.startsWith(at.spool) && !target.startsWith(join(at.spool, 'workers')));
    }, 'no child holds a file of the spool');
    const added = environment.filter(
      (name) =>
        process.env[name] === undefined &&
        !name.startsWith('NODE_CHANNEL') &&
        !['FSQ_LOG_FORMAT', 'FSQ_CHILD', 'FSQ_SPOOL', 'UV_THREADPOOL_SIZE'].includes(name),
    );
    assert.deepEqual(added, []);
  },
);

function childrenOf(pid: number): readonly number[] {
  return execFileSync('cat', [`/proc/${pid}/task/${pid}/children`], { encoding: 'utf8' })
    .trim()
    .split(' ')
    .map(Number);
}

function descriptorsOf(pid: number): readonly string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      return []; // Closed in the meantime.
    }
  });
}
