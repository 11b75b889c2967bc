/** `fsq replay`: the exact payload of a job, once more, here; and nothing in the spool is changed by it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { until } from '../support/conditions.ts';
import { pendingJobs, settledJob } from '../support/ended-jobs.ts';
import { nextId, returned, threw } from '../support/factory.ts';
import { fsq, type Project, REPOSITORY, tempProject } from '../support/project.ts';

const TASKS = `
import { appendFileSync } from 'node:fs';
import { currentJob, task } from 'fsq';
const inner = task('inner', (n) => n * 2);
task('whole', async (...args) => {
  const job = currentJob();
  console.log('printed');
  job.progress({ done: 1, total: 4 });
  const before = job.checkpointed;
  await job.checkpoint({ row: 9 });
  const { id, attempt, queue, headers } = job;
  return { args, id, attempt, queue, headers, before, after: job.checkpointed, sent: await (await inner.delay(4)).get() };
});
task('throws', () => { throw new TypeError('bad \\u001b]52;c;aGk=\\u0007', { cause: new Error('because') }); });
task('asks', () => currentJob().retry({ cause: new Error('not yet') }));
task('exits', () => process.exit(7));
task('slow', { timeLimit: 50 }, () => new Promise((resolve) => setTimeout(resolve, 60_000)));
task('touches', () => { appendFileSync('touched.txt', 'x'); return 'touched'; });
task('takes', (value, own) => [value, own]);
`;

/** The names in the spool, with sizes and times; what processes say of themselves aside. */
function stateOf({ spool }: Project): readonly string[] {
  return readdirSync(spool, { recursive: true, encoding: 'utf8' })
    .filter((name) => !/^(?:workers|tmp|journal|statistics)/.test(name))
    .map((name) => [name, statSync(join(spool, name))] as const)
    .map(([name, stat]) => `${name} ${stat.isFile() ? `${stat.size} ${stat.mtimeMs}` : ''}`)
    .toSorted();
}

test('it runs with the id, the attempt, the headers and the checkpoint of the job, and changes nothing', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const id = await settledJob(
    at.spool,
    { task: 'whole', args: [1, { a: 'é' }], headers: { tenant: 'x' }, queue: 'slow' },
    threw('no'),
  );
  const checkpoint = { v: 1, attempt: 1, atMs: 1, value: { row: 3 } };
  mkdirSync(join(at.spool, 'checkpoints'), { recursive: true });
  writeFileSync(join(at.spool, 'checkpoints', `${id}.json`), JSON.stringify(checkpoint));
  const before = stateOf(at);

  const { code, stdout, stderr } = await fsq(at, ['replay', id.slice(0, 30)]);
  const other = await fsq(at, ['replay', id, '--args', '["y"]']);

  assert.deepEqual(JSON.parse(stdout), {
    args: [1, { a: 'é' }],
    id,
    attempt: 1,
    queue: 'slow',
    headers: { tenant: 'x' },
    before: { row: 3 },
    after: { row: 9 },
    sent: 8,
  });
  assert.match(stderr, /^printed$/m);
  assert.match(stderr, /^fsq replay: progress 25 % \(1 of 4\)$/m);
  assert.match(stderr, /^fsq replay: sends 1 × inner: runs here, at once$/m);
  assert.deepEqual([code, (JSON.parse(other.stdout) as { args: unknown }).args], [0, ['y']]);
  assert.deepEqual(stateOf(at), before);
});

test('with --send the jobs of the task are sent for real', async (t) => {
  const at = tempProject(t, {
    'tasks.js': `import { task } from 'fsq'; const inner = task('inner', () => 1); task('outer', async () => (await inner.delay()).id);`,
  });
  const [id = ''] = await pendingJobs(at.spool, { task: 'outer' });

  const { stdout, stderr } = await fsq(at, ['replay', id, '--send']);
  const sent = JSON.parse((await fsq(at, ['show', JSON.parse(stdout) as string, '--json'])).stdout) as { task: string };

  assert.match(stderr, /^fsq replay: sends 1 × inner to queue default$/m);
  assert.equal(sent.task, 'inner');
});

test('each way in which a run can end has its exit code and says what was', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const [from, follower] = [nextId(), nextId()];
  await settledJob(at.spool, { id: from, task: 'touches', options: { next: [follower] } }, returned('taken'));
  const ids = await pendingJobs(
    at.spool,
    { task: 'throws', options: { expiresAtMs: 1 } },
    { task: 'asks' },
    { task: 'exits' },
    { task: 'slow', options: { timeLimitMs: 50 } },
    { task: 'throw' },
    { id: follower, task: 'takes', args: ['own'], options: { after: from, takes: 'value' } },
    { task: 'takes', args: ['own'], options: { after: nextId(), takes: 'value' } },
  );

  const ran = await Promise.all(ids.map((id) => fsq(at, ['replay', id])));
  const [throws, asks, exits, slow, unknown, , gone] = ran.map(({ stderr }) => stderr);
  const given = await fsq(at, ['replay', ids.at(-1) ?? '', '--args', '["a","b"]']);

  assert.deepEqual(
    ran.map(({ code }) => code),
    [1, 1, 1, 1, 3, 0, 2],
  );
  assert.match(
    throws ?? '',
    /error +TypeError: bad \\u\{1b\}\]52;c;aGk=\\u\{7\}\n +at .*tasks\.js:\d+:\d+[^]*cause +Error: because\n/,
  );
  assert.match(asks ?? '', /The task asked to be run again[^]*not yet/);
  assert.match(exits ?? '', /The process of the task .*7.* before the task had ended/);
  assert.match(slow ?? '', /longer than its time limit of 50 ms/);
  assert.match(unknown ?? '', /have no task throw; did you mean throws\?/);
  assert.equal(ran[5]?.stdout, '["taken","own"]\n');
  assert.match(
    gone ?? '',
    /takes values of the jobs that it comes after, and these are not there\. .* is nowhere.* --args/,
  );
  assert.equal(given.stdout, '["a","b"]\n');
});

test('a task in TypeScript is run, and bad input is refused', async (t) => {
  const at = tempProject(t, {
    'tasks.ts': `import { task } from 'fsq';\nenum Kind { A = 'a' }\nexport const typed = task('typed', (kind: string) => kind === Kind.A);\n`,
    'broken.js': `throw new Error('at import');\n`,
  });
  const [id = '', lies = ''] = await pendingJobs(at.spool, { task: 'typed', args: ['a'] }, {});
  writeFileSync(join(at.spool, 'pending', `5.${lies}.default.0.0.json`), 'garbage');

  const typed = await fsq(at, ['replay', id]);
  const wrong: readonly (readonly string[])[] = [
    [],
    ['x'],
    ['0'],
    [nextId()],
    [lies],
    [id, '--args', '{}'],
    [id, '--inspect', '--inspect-brk'],
    [id, '--inspect-port', '1'],
    [id, '--inspect', '--inspect-port', '70000'],
    [id, '--tasks', 'broken.js'],
    [id, '--tasks', 'nowhere.js'],
    [id, '--eager'],
  ];
  const codes: (number | null)[] = [];
  for (const args of wrong) codes.push((await fsq(at, ['replay', ...args])).code);

  assert.deepEqual([typed.stdout, typed.code], ['true\n', 0]);
  assert.deepEqual(codes, [2, 2, 2, 3, 75, 2, 2, 2, 2, 78, 78, 2]);
});

/** Asks a debugger's port for its address. */
function addressOf(port: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request(`http://127.0.0.1:${port}/json/list`, (response) => {
      let text = '';
      response.on('data', (piece: Buffer) => (text += piece.toString()));
      response.on('end', () => {
        const [first] = JSON.parse(text) as readonly { readonly webSocketDebuggerUrl: string }[];
        resolve(first?.webSocketDebuggerUrl ?? '');
      });
    })
      .on('error', reject)
      .end();
  });
}

/** Attaches as a debugger and lets the program go on wherever it stops; resolves with how often it stopped, once it is told to. */
function debug(t: TestContext, url: string): Promise<{ readonly stops: () => number }> {
  return new Promise((resolve, reject) => {
    const headers = {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': 13,
      'Sec-WebSocket-Key': 'MDEyMzQ1Njc4OWFiY2RlZg==',
    };
    const asked = request(url.replace('ws:', 'http:'), { headers }).on('error', reject);
    asked.on('upgrade', (_, socket) => {
      t.after(() => socket.destroy());
      socket.on('error', () => undefined);
      let heard = '';
      let stops = 0;
      // A frame of text whose mask is zeros; these are short.
      const say = (id: number, method: string): void => {
        const text = Buffer.from(JSON.stringify({ id, method }));
        socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text]));
      };
      socket.on('data', (bytes: Buffer) => {
        heard += bytes.toString('latin1');
        for (const seen = heard.split('"Debugger.paused"').length - 1; stops < seen;)
          say(100 + stops++, 'Debugger.resume');
      });
      say(1, 'Debugger.enable');
      say(2, 'Runtime.runIfWaitingForDebugger');
      resolve({ stops: () => stops });
    });
    asked.end();
  });
}

test('--inspect-brk waits for a debugger, stops before the task, and holds no time limit', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const [id = ''] = await pendingJobs(at.spool, { task: 'touches', options: { timeLimitMs: 1 } });
  const args = ['replay', id, '--inspect-brk', '--inspect-port', '0'];
  const child = spawn(process.execPath, [join(REPOSITORY, 'bin/fsq.js'), ...args], { cwd: at.path });
  t.after(() => child.kill('SIGTERM'));
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
  const ended = new Promise((resolve) => child.on('close', resolve));

  await until(() => /Debugger listening on ws:\/\/127\.0\.0\.1:\d+/.test(stderr), 'the debugger listens');
  const [, port = ''] = /127\.0\.0\.1:(\d+)/.exec(stderr) ?? [];
  const address = await addressOf(port);
  assert.ok(!readdirSync(at.path).includes('touched.txt'), 'it waits');
  const { stops } = await debug(t, address);

  assert.equal(await ended, 0, stderr);
  assert.deepEqual([stdout, readFileSync(join(at.path, 'touched.txt'), 'utf8')], ['"touched"\n', 'x']);
  assert.equal(stops(), 2, 'at its first line, and before the task');
});
