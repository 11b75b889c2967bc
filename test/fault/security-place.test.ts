/** Where a spool may lie, who may open it, and with what rights its parts are made. */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readdirSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { openSpool } from '../../src/spool/spool.ts';
import { lacks } from '../support/needs.ts';
import { type Project, type Ran, run, startWorker, tempProject } from '../support/project.ts';
import { tempDir } from '../support/temp.ts';

const SOMEBODY = 54_321;
const NOBODY = 65_534;
const AS_NOBODY = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
const BIN = 'node_modules/fsq/bin/fsq.js';
const TASKS = `import { task } from 'fsq'; export const add = task('add', (a, b) => a + b);`;
const MAIN = `import { add } from './tasks.js';
console.log(await (await add.delay(1, 2)).get('20s').catch((error) => error.code));`;

/** A folder of mode and owner as said. */
function folder(path: string, mode: number, uid = 0, gid = 0): string {
  mkdirSync(path);
  chownSync(path, uid, gid);
  chmodSync(path, mode);
  return path;
}

describe('a place outside of the project, opened by root', { skip: lacks() }, () => {
  const above: Readonly<Record<string, readonly [mode: number, uid: number, gid: number, verdict: 'safe' | RegExp]>> = {
    'its own': [0o700, 0, 0, 'safe'],
    'readable to all': [0o755, 0, 0, 'safe'],
    'writable to its own group': [0o775, 0, 0, 'safe'],
    'writable to all, sticky': [0o1777, 0, 0, 'safe'],
    'writable to all': [0o777, 0, 0, /may be written to by everybody \(mode 0777\).*chmod o-w/],
    'writable to another group': [0o770, 0, SOMEBODY, /may be written to by group 54321 \(mode 0770\).*chmod g-w/],
    "another user's": [0o755, SOMEBODY, 0, /belongs to user 54321, and this process runs as user 0/],
    "another user's, sticky": [0o1755, SOMEBODY, 0, /belongs to user 54321/],
  };
  for (const [what, [mode, uid, gid, verdict]] of Object.entries(above)) {
    test(`below a folder that is ${what}: ${verdict === 'safe' ? 'used' : 'refused, and nothing is made'}`, async (t) => {
      const path = join(folder(join(tempDir(t), 'above'), mode, uid, gid), 'deep', 'spool');

      if (verdict === 'safe') return openSpool({ path }).close();
      assert.throws(() => openSpool({ path }), { code: 'FSQ_SPOOL_UNSAFE', message: verdict });
      assert(!existsSync(join(path, '..')));
      await openSpool({ path, allowUnsafe: true }).close();
      assert.throws(() => openSpool({ path }), { code: 'FSQ_SPOOL_UNSAFE' });
      await openSpool({ path, mustExist: true }).close();
    });
  }

  const itself: Readonly<Record<string, readonly [mode: number, uid: number, gid: number]>> = {
    'writable to all': [0o777, 0, 0],
    'writable to all, sticky': [0o1777, 0, 0],
    'writable to another group': [0o770, 0, SOMEBODY],
    "another user's": [0o700, SOMEBODY, SOMEBODY],
  };
  for (const part of ['.', 'pending', 'results', 'running', 'workers', 'tmp']) {
    for (const [what, [mode, uid, gid]] of Object.entries(itself)) {
      test(`a spool whose ${part} is ${what}: refused`, async (t) => {
        const path = join(tempDir(t), 'spool');
        await openSpool({ path }).close();
        chownSync(join(path, part), uid, gid);
        chmodSync(join(path, part), mode);

        assert.throws(() => openSpool({ path }), { code: 'FSQ_SPOOL_UNSAFE' });
      });
    }
  }

  test('a part of the spool that is a link: refused', async (t) => {
    const path = join(tempDir(t), 'spool');
    await openSpool({ path }).close();
    renameSync(join(path, 'pending'), join(path, 'elsewhere'));
    symlinkSync('elsewhere', join(path, 'pending'));

    assert.throws(() => openSpool({ path }), { code: 'FSQ_SPOOL_UNSAFE', message: /pending is not a folder/ });
  });

  test('a spool behind a link: used, unless others can change the link or what it leads to', async (t) => {
    const base = tempDir(t);
    const [good, bad] = [folder(join(base, 'good'), 0o755), folder(join(base, 'bad'), 0o777)];
    await openSpool({ path: join(good, 'spool') }).close();
    await openSpool({ path: join(bad, 'spool'), allowUnsafe: true }).close();
    symlinkSync(join(good, 'spool'), join(good, 'link-to-good'));
    symlinkSync(join(good, 'spool'), join(bad, 'link-to-good'));
    symlinkSync(join(bad, 'spool'), join(good, 'link-to-bad'));

    await openSpool({ path: join(good, 'link-to-good') }).close();
    assert.throws(() => openSpool({ path: join(bad, 'link-to-good') }), { code: 'FSQ_SPOOL_UNSAFE' });
    assert.throws(() => openSpool({ path: join(good, 'link-to-bad') }), { code: 'FSQ_SPOOL_UNSAFE' });
  });
});

describe('a user in the project', { skip: lacks('setpriv') }, () => {
  function project(t: TestContext, mode: number, uid: number, gid: number): Project {
    const at = tempProject(t, { 'tasks.js': TASKS, 'main.mjs': MAIN });
    chownSync(at.path, uid, gid);
    chmodSync(at.path, mode);
    return at;
  }

  async function bothSides(
    at: Project,
    as: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<readonly Ran[]> {
    const [program = '', ...rest] = [...as, process.execPath];
    // Its job waits for the worker, which ends when it is done.
    const producer = await run(at, program, [...rest, BIN, 'call', 'add', '1', '2'], { env });
    const worker = await run(at, program, [...rest, BIN, 'worker', '--burst', '-c', '1'], { env });
    const main =
      producer.code === 0 ? await run(at, program, [...rest, BIN, 'get', producer.stdout.trim()], { env }) : producer;
    return [producer, worker, main];
  }

  const good: Readonly<Record<string, readonly [mode: number, uid: number, gid: number, spool?: number]>> = {
    'that is his own': [0o755, NOBODY, NOBODY],
    'made with umask 002, its spool with it': [0o775, NOBODY, NOBODY, 0o775],
    'that a group shares, its spool with it': [0o2775, NOBODY, SOMEBODY, 0o2775],
    'writable to all, as on some shared folders of virtual machines': [0o777, 0, 0],
    "that is another user's, with a spool of his own": [0o755, SOMEBODY, SOMEBODY, 0o700],
  };
  for (const [what, [mode, uid, gid, spool]] of Object.entries(good)) {
    test(`${what}: producer and worker do their work`, async (t) => {
      const at = project(t, mode, uid, gid);
      if (spool !== undefined) folder(at.spool, spool, NOBODY, gid === SOMEBODY && uid === NOBODY ? gid : NOBODY);

      const [producer, worker, get] = await bothSides(at, AS_NOBODY);

      assert.equal(producer?.code, 0, producer?.stderr);
      assert.equal(worker?.code, 0, worker?.stderr);
      assert.equal(get?.stdout, '3\n');
    });
  }

  test("root in another user's project, as in a container that mounts it: works with a spool of its own", async (t) => {
    const at = project(t, 0o755, NOBODY, NOBODY);

    const [producer, worker, get] = await bothSides(at, []);

    assert.equal(producer?.code, 0, producer?.stderr);
    assert.equal(worker?.code, 0, worker?.stderr);
    assert.equal(get?.stdout, '3\n');
  });

  test("root on another user's spool: producer and worker refuse alike, with advice; looking is allowed; FSQ_ALLOW_UNSAFE works", async (t) => {
    const at = project(t, 0o755, NOBODY, NOBODY);
    await bothSides(at, AS_NOBODY);

    const refused = (await bothSides(at, [])).slice(0, 2);
    const status = await run(at, process.execPath, [BIN, 'status']);
    const allowed = await bothSides(at, [], { FSQ_ALLOW_UNSAFE: '1' });

    for (const { code, stderr } of refused) {
      assert.equal(code, 75, stderr);
      assert.match(
        stderr,
        /belongs to user 65534, and this process runs as user 0.*Run it as user 65534.*\(FSQ_SPOOL_UNSAFE\)/,
      );
    }
    assert.equal(status.code, 0, status.stderr);
    assert.deepEqual(
      allowed.map(({ code }) => code),
      [0, 0, 0],
    );
  });

  test('a spool elsewhere that all can write to: delay() rejects and the worker exits 75, with the same code', async (t) => {
    const at = project(t, 0o755, NOBODY, NOBODY);
    const spool = join(folder(join(tempDir(t), 'shared'), 0o777), 'spool');
    chmodSync(join(spool, '../..'), 0o755);
    const [program = '', ...rest] = [...AS_NOBODY, process.execPath];
    const env = { FSQ_SPOOL: spool };

    const producer = await run(at, program, [...rest, 'main.mjs'], { env });
    const worker = await run(at, program, [...rest, BIN, 'worker', '-c', '1'], { env });

    assert.match(producer.stderr, /FSQ_SPOOL_UNSAFE/);
    assert.equal(worker.code, 75, worker.stderr);
    assert.match(worker.stderr, /FSQ_SPOOL_UNSAFE/);
    assert(!existsSync(spool));
  });
});

describe('rights of what is made', { skip: process.platform === 'win32' && 'needs modes' }, () => {
  for (const umask of ['000', '022', '777']) {
    test(`umask ${umask}: folders 0700, files 0600, and the job runs`, async (t) => {
      const at = tempProject(t, { 'tasks.js': TASKS, 'main.mjs': MAIN });
      const as = ['sh', '-c', `umask ${umask}; exec "$@"`, 'sh'];
      const [program = '', ...rest] = [...as, process.execPath];
      const worker = await startWorker(t, at, ['-c', '1'], { within: as });

      const { stdout, stderr } = await run(at, program, [...rest, 'main.mjs']);
      const found = modesIn(at.spool);
      await worker.stop();

      assert.equal(stdout, '3\n', stderr);
      assert(found.length > 10);
      for (const [path, kind, mode] of found) assert.equal(mode, kind === 'folder' ? '700' : '600', path);
    });
  }
});

test('a program that changes its umask after its first call: what it sends and what it runs has the same rights', async (t) => {
  const changing = `import { readdirSync, lstatSync } from 'node:fs';
    import { openBroker } from ${JSON.stringify(new URL('../../dist/open.js', import.meta.url).href)};
    import { task } from 'fsq';
    const keyed = task('keyed', { key: String }, (n) => n);
    await keyed.delay(1);
    process.umask(0o777);
    await keyed.delay(2);
    await keyed.delayMany([[3], [4]]);
    const broker = openBroker({ path: process.env.FSQ_SPOOL });
    await broker.pause('q');
    const consumer = await broker.consumer({ queues: null, tasks: [] });
    process.stdout.write(consumer.owner);
    process.exit();`;
  const at = tempProject(t, { 'changing.mjs': changing });

  const { stdout, stderr } = await run(at, process.execPath, ['changing.mjs'], { env: { FSQ_SPOOL: at.spool } });

  const found = modesIn(at.spool);
  assert(
    found.some(([path]) => path === `workers/${stdout}.sock`),
    stderr,
  );
  assert.equal(found.filter(([path]) => /^pending\/.+/.test(path)).length, 4);
  for (const [path, kind, mode] of found) assert.equal(mode, kind === 'folder' ? '700' : '600', path);
});

/** Everything in the spool: path, kind, mode. */
function modesIn(path: string): readonly (readonly [path: string, kind: 'folder' | 'file', mode: string])[] {
  const names = ['', ...readdirSync(path, { recursive: true }).map(String)];
  return names.map((name) => {
    const stats = lstatSync(join(path, name));
    const mode = (stats.mode & 0o7777).toString(8);
    return [name, stats.isDirectory() ? 'folder' : 'file', mode] as const;
  });
}
