import assert from 'node:assert/strict';
import { existsSync, readFileSync, mkdirSync, rmdirSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { type Gather, serveMetrics, writeMetrics } from '../../../../../src/cli/commands/measure/expose.ts';
import type { Logger } from '../../../../../src/worker/log.ts';
import { standstill } from '../../../../support/clock.ts';
import { until } from '../../../../support/conditions.ts';
import { tempDir } from '../../../../support/temp.ts';

function logOf(): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  const add = (line: string): void => void lines.push(line);
  return { lines, debug: add, info: add, warn: add, error: add };
}

async function served(t: TestContext, gather: Gather = async () => 'x 1\n', log: Logger = logOf()): Promise<number> {
  const server = await serveMetrics(0, gather, log);
  t.after(() => server.close());
  return server.port;
}

/** The whole answer to these lines. */
function ask(port: number, ...lines: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(port, '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk) => (text += String(chunk)));
    socket.on('error', reject).on('close', () => resolve(text));
    socket.end([...lines, '', ''].join('\r\n'));
  });
}

const statusOf = (answer: string): string => answer.split(' ', 2)[1] ?? '';

test('GET /metrics is answered with the text and its type', async (t) => {
  const port = await served(t);

  const response = await fetch(`http://127.0.0.1:${port}/metrics`);

  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  assert.equal(await response.text(), 'x 1\n');
});

test('nothing else is answered: other paths, other methods, other hosts', async (t) => {
  const port = await served(t);
  const host = `Host: localhost:${port}`;
  const of = async (...lines: readonly string[]): Promise<string> => statusOf(await ask(port, ...lines));

  assert.equal(await of('GET /metrics HTTP/1.1', host), '200');
  assert.equal(await of('GET /metrics?debug=1 HTTP/1.1', 'Host: [::1]:9'), '200');
  assert.equal(await of('GET / HTTP/1.1', host), '404');
  assert.equal(await of('GET /metrics/../../etc/passwd HTTP/1.1', host), '404');
  assert.equal(await of('POST /metrics HTTP/1.1', host, 'Content-Length: 0'), '405');
  assert.equal(await of('HEAD /metrics HTTP/1.1', host), '405');
  assert.equal(await of('GET /metrics HTTP/1.1', 'Host: evil.example'), '403');
  assert.equal(await of('GET /metrics HTTP/1.1', 'Host: 127.0.0.1.evil.example'), '403');
  assert.equal(await of('GET /metrics HTTP/1.0'), '403');
  assert.equal(await of('nonsense'), '400');
  assert.equal(await of('GET /metrics HTTP/1.1', host, `X: ${'x'.repeat(20_000)}`), '431');
  assert.match(await ask(port, 'POST /metrics HTTP/1.1', host, 'Content-Length: 0'), /^allow: GET\r$/im);
});

test('it listens on this machine alone', async (t) => {
  const port = await served(t);

  const listens = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .filter((line) => line.includes(`:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A`));

  assert.deepEqual(
    listens.map((line) => line.trim().split(/\s+/)[1]?.split(':')[0]),
    ['0100007F'],
  );
});

test('a port in use is a clear error', async (t) => {
  const port = await served(t);

  await assert.rejects(
    serveMetrics(port, async () => '', logOf()),
    {
      code: 'FSQ_USAGE',
      message: `Expected --metrics-port to name a free port of 127.0.0.1, got ${port}: another program uses it. 0 takes any that is free`,
    },
  );
});

test('many that ask at once cost one look', async (t) => {
  standstill(t);
  let looks = 0;
  const port = await served(t, async () => `x ${++looks}\n`);

  const answers = await Promise.all(Array.from({ length: 10 }, () => fetch(`http://127.0.0.1:${port}/metrics`)));

  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  assert.equal(looks, 1);
});

test('what cannot be told is a 503 and one line of the log, until it can be told again', async (t) => {
  const log = logOf();
  let isBroken = true;
  const port = await served(
    t,
    () => (isBroken ? Promise.reject(new Error('the spool is gone')) : Promise.resolve('x 1\n')),
    log,
  );
  const get = (): Promise<Response> => fetch(`http://127.0.0.1:${port}/metrics`);

  const [first, second] = [await get(), await get()];
  assert.deepEqual([first.status, await first.text()], [503, 'The metrics cannot be told now: the spool is gone\n']);
  assert.equal(second.status, 503);
  isBroken = false;
  assert.equal((await get()).status, 200);
  assert.deepEqual(log.lines, ['the metrics cannot be told: the spool is gone']);
});

test('the file is whole at any time, and goes when the worker ends', async (t) => {
  const folder = tempDir(t);
  const path = join(folder, 'fsq.prom');
  const file = writeMetrics(path, async () => 'x 1\n', logOf());

  await until(() => existsSync(path), 'the first file');
  assert.equal(readFileSync(path, 'utf8'), 'x 1\n');
  await file.close();
  assert.equal(existsSync(path), false);
});

test('a file that cannot be written is one line of the log, and harms nothing', async (t) => {
  const log = logOf();
  const path = join(tempDir(t), 'fsq.prom');
  mkdirSync(path);

  const file = writeMetrics(path, async () => 'x 1\n', log);
  await until(() => log.lines.length > 0, 'a complaint');
  await file.close();

  assert.match(log.lines.join('\n'), /^the metrics cannot be written to .*fsq\.prom: EISDIR[^\n]*$/);
  rmdirSync(path);
});
