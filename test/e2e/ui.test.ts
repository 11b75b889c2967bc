/** `fsq ui` as its user starts it: what it prints, who may see what, and how it ends. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { until } from '../support/conditions.ts';
import { REPOSITORY, startWorker, tempProject } from '../support/project.ts';
import { tempDir } from '../support/temp.ts';

const BIN = join(REPOSITORY, 'bin/fsq.js');

interface Page {
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** The address without its token, and the token. */
  readonly url: string;
  readonly token: string;
  /** Its exit code; null: a signal ended it. */
  readonly exited: Promise<number | null>;
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

function start(
  t: TestContext,
  line: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Omit<Page, 'url' | 'token'> {
  const child = spawn(process.execPath, [BIN, 'ui', ...line], {
    cwd: tempDir(t),
    env: { ...process.env, FSQ_SPOOL: join(tempDir(t), 'spool'), ...env },
  });
  const exited = once(child, 'exit').then(([code]) => (typeof code === 'number' ? code : null));
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => (out += String(text)));
  child.stderr.setEncoding('utf8').on('data', (text) => (err += String(text)));
  const end = (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> => {
    child.kill(signal);
    return exited;
  };
  t.after(() => end('SIGKILL'));
  return { stdout: () => out, stderr: () => err, exited, end };
}

async function opened(
  t: TestContext,
  line: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Page> {
  const page = start(t, ['--port', '0', ...line], env);
  const [, url = '', token = ''] = await until(
    () => /^(http:\S+?\/)#token=(\S+)\n/.exec(page.stdout()),
    `fsq ui says where it is: ${page.stderr()}`,
  );
  return { ...page, url, token };
}

const statusOf = async (
  url: string,
  headers: Readonly<Record<string, string>> = {},
  init: RequestInit = {},
): Promise<number> => (await fetch(url, { headers, ...init })).status;

test('it prints one address with a new token, and tells its data to whoever has that', async (t) => {
  const page = await opened(t);
  const other = await opened(t);
  const own = { authorization: `Bearer ${page.token}` };

  assert.notEqual(page.token, other.token);
  assert.match(page.stderr(), /^fsq ui: The page of \/.*\/spool, until Ctrl-C:\n$/);
  assert.equal(await statusOf(`${page.url}api/summary`), 401);
  assert.equal(await statusOf(`${page.url}api/summary`, { authorization: `Bearer ${other.token}` }), 401);
  assert.equal(await statusOf(`${page.url}api/summary`, own), 200);
  assert.equal(await statusOf(`${page.url}../package.json`), 404);
  assert.equal(await statusOf(`${page.url}healthz`), 200);
});

test('an address that is taken, an option that is wrong and a token that is short are told, and nothing is served', async (t) => {
  const { url } = await opened(t);
  const port = new URL(url).port;
  const [open, shared] = [tempDir(t), tempDir(t)];
  for (const folder of [join(open, 'own'), join(shared, 'below')]) mkdirSync(folder, { mode: 0o700 });
  chmodSync(shared, 0o777);
  for (const [line, env, told] of [
    [['--port', port], {}, /got 127\.0\.0\.1:\d+: another program answers there.*--port 0/],
    [['--port', '70000'], {}, /--port/],
    [['--socket', '/x/y.sock', '--port', '1'], {}, /Expected --socket or --port, got both/],
    [['--host', '203.0.113.7', '--port', '0'], {}, /This machine has no such address/],
    [['--allow-host', 'http://x'], {}, /--allow-host/],
    [['--base-path', 'queue'], {}, /basePath/],
    [['--socket', `/tmp/${'x'.repeat(120)}`], {}, /1 to \d+ bytes, got 125/],
    [['--socket', '/tmp/is/nowhere/ui.sock'], {}, /there is none: `mkdir -m 700 \/tmp\/is\/nowhere` makes it/],
    [['--socket', join(open, 'own')], {}, /where something else is/],
    [
      ['--socket', join(shared, 'ui.sock')],
      {},
      /may be written to by everybody \(mode 0777\).*chmod o-w .*FSQ_ALLOW_UNSAFE=1/,
    ],
    [['--socket', join(shared, 'below', 'ui.sock')], {}, /be given its token/],
    [['--port', '0'], { FSQ_UI_TOKEN: '' }, /FSQ_UI_TOKEN.*got 0 characters/],
    [['--port', '0'], { FSQ_UI_TOKEN: 'short' }, /FSQ_UI_TOKEN.*16/],
  ] as const) {
    const page = start(t, line, env);
    const code = await page.exited;
    assert.match(page.stderr(), told);
    assert.equal(code, 2, page.stderr());
    assert.equal(page.stdout(), '');
  }
});

test('a Unix socket is for its user alone, and one that is left behind is used again', async (t) => {
  const socket = join(tempDir(t), 'ui.sock');
  const token = 'a-token-of-this-test';
  const ask = (): Promise<number> =>
    new Promise((resolve, reject) => {
      request({
        socketPath: socket,
        path: '/api/summary',
        headers: { host: 'localhost', authorization: `Bearer ${token}` },
      })
        .on('response', (response) => resolve(response.resume().statusCode ?? 0))
        .on('error', reject)
        .end();
    });
  const first = start(t, ['--socket', socket], { FSQ_UI_TOKEN: token });
  await until(() => first.stdout() !== '', 'the first is there');

  assert.equal(statSync(socket).mode & 0o777, 0o600);
  assert.equal(await ask(), 200);
  assert.ok(!(first.stdout() + first.stderr()).includes(token), 'a chosen token is told');
  const second = start(t, ['--socket', socket], { FSQ_UI_TOKEN: token });
  await until(() => second.stderr().includes('perhaps an `fsq ui`. End that one'), 'the second is refused');
  await first.end('SIGKILL');
  const third = start(t, ['--socket', socket], { FSQ_UI_TOKEN: token });
  await until(() => third.stdout() !== '', 'the third is there');
  assert.equal(await ask(), 200);

  const file = join(tempDir(t), 'notes.txt');
  writeFileSync(file, 'mine');
  const fourth = start(t, ['--socket', file], { FSQ_UI_TOKEN: token });
  assert.equal(await fourth.exited, 2);
  assert.match(fourth.stderr(), /where something else is\. It stays/);
  assert.equal(statSync(file).size, 4);
});

test('Ctrl-C ends it with 0, also while a page listens', async (t) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const page = await opened(t);
    const stream = await fetch(`${page.url}api/events`, { headers: { authorization: `Bearer ${page.token}` } });
    assert.equal(stream.headers.get('content-type'), 'text/event-stream; charset=utf-8');

    assert.equal(await page.end(signal), 0);
    await stream.text().catch(() => ''); // It may be cut within a line.
  }
});

test('the address that is printed is one that a browser opens', async (t) => {
  const addressOf = async (line: readonly string[]): Promise<readonly [string, string]> => {
    const page = start(t, line);
    const address = await until(() => /^(\S+)#token=\S+\n$/.exec(page.stdout())?.[1], `an address: ${page.stderr()}`);
    return [address.replace(/:\d+/, ''), page.stderr()];
  };
  const socket = join(tempDir(t), 'ui.sock');

  const [every, told] = await addressOf(['--host', '0.0.0.0', '--port', '0']);
  const [ofSocket, how] = await addressOf(['--socket', socket, '--base-path', '/queue/']);

  assert.equal(every, 'http://127.0.0.1/');
  assert.match(told, /put TLS before it[^]*--allow-host names by what others reach it/);
  assert.deepEqual(
    await addressOf(['--host', '0.0.0.0', '--port', '0', '--allow-host', 'queue.example:8080']).then(([to]) => to),
    'http://queue.example/',
  );
  assert.equal(ofSocket, 'http://127.0.0.1/queue/');
  assert.ok(how.includes(`on the socket ${socket}, which a proxy or \`ssh -L 9478:${socket}\` leads to`), how);
});

test('--read-only refuses every act', async (t) => {
  const page = await opened(t, ['--read-only']);
  const status = await statusOf(
    `${page.url}api/act`,
    { authorization: `Bearer ${page.token}`, 'content-type': 'application/json' },
    { method: 'POST', body: '{"kind":"pause","queue":"default"}' },
  );

  assert.equal(status, 403);
});

test('it tells of each worker its processes, with the version of their fsq', async (t) => {
  const project = tempProject(t, { 'tasks.mjs': "import { task } from 'fsq'; task('add', (a, b) => a + b);" });
  const worker = await startWorker(t, project, ['-c', '1']);
  const page = await opened(t, [], { FSQ_SPOOL: project.spool });
  const { version } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'));
  const workers = async (): Promise<
    readonly { readonly role: string; readonly version: string; readonly tasks: readonly string[] }[]
  > => {
    const answer = await fetch(`${page.url}api/summary`, { headers: { authorization: `Bearer ${page.token}` } });
    return JSON.parse(await answer.text()).workers;
  };

  const found = await until(async () => {
    const all = await workers();
    return all.length === 2 && all[1]?.tasks.length === 1 ? all : null;
  }, `a worker and its child are told, ${worker.stderr()}`);
  assert.deepEqual(
    found.map(({ role, version: its }) => [role, its]),
    [
      ['supervisor', version],
      ['child', version],
    ],
  );
});
