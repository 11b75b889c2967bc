/**
 * Spools across mounts, on an overlay and in memory, with real mounts: each program runs in a mount namespace of its own, so
 * that the mounts are gone with it.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { openSpool } from '../../src/spool/spool.ts';
import { until } from '../support/conditions.ts';
import { nextId } from '../support/factory.ts';
import { namesIn } from '../support/invariants.ts';
import { lacks } from '../support/needs.ts';
import { plantDeadOwner, someOwner } from '../support/owners.ts';
import { attempt, jobText, plant } from '../support/planted.ts';
import { fsq, type Project, type Ran, run, tempProject } from '../support/project.ts';
import { tempDir } from '../support/temp.ts';

const TASKS = `import { task } from 'fsq'; export const add = task('add', (a, b) => a + b);`;
/** Enough for a producer to look for spare files. */
const MANY = `import { add } from './tasks.js';
for (let i = 0; i < 70; i++) await add.delay(i, 1);
console.log('sent');`;
const BIN = 'node_modules/fsq/bin/fsq.js';
const WORKER = [BIN, 'worker', '--burst', '-c', '1'];

/** Runs Node.js with `args` in the project after `mounts`, a line of shell, in a namespace where nobody else sees them. */
function mounted(at: Project, mounts: string, args: readonly string[]): Promise<Ran> {
  return run(at, 'unshare', ['-m', 'sh', '-ec', `${mounts}; cd "$0"; exec "$@"`, at.path, process.execPath, ...args]);
}

/** Why there can be no overlay in the folder for temporary files; false when there can. */
function lacksOverlay(): string | false {
  const missing = lacks('unshare', 'mount');
  if (missing !== false) return missing;
  const trial =
    'd=$(mktemp -d); trap "umount $d; rmdir $d" EXIT; mount -t tmpfs x $d; mkdir $d/l $d/u $d/w; mount -t overlay x -o lowerdir=$d/l,upperdir=$d/u,workdir=$d/w $d/l; umount $d/l';
  return spawnSync('unshare', ['-m', 'sh', '-ec', trial]).status === 0 ? false : 'needs overlayfs';
}

function project(t: TestContext): Project {
  const at = tempProject(t, { 'tasks.js': TASKS, 'many.js': MANY });
  openSpool({ path: at.spool });
  return at;
}

async function sent(at: Project): Promise<string> {
  const { code, stdout, stderr } = await fsq(at, ['call', 'add', '1', '2']);
  assert.equal(code, 0, stderr);
  return stdout.trim();
}

describe('a part of the spool that is mounted by itself', { skip: lacks('unshare', 'mount') }, () => {
  const ways: Readonly<Record<string, (path: string, other: string) => string>> = {
    'a file system of its own': (path) => `mount -t tmpfs -o mode=700 fsq-test "${path}"`,
    'a folder of the same file system': (path, other) => `mount --bind "${other}" "${path}"`,
  };
  for (const [what, mount] of Object.entries(ways)) {
    for (const part of ['results', 'running', 'pending']) {
      test(`${part}/ is ${what}: producer and worker refuse with what to do, and the job that waits does not run`, async (t) => {
        const at = project(t);
        const id = await sent(at);
        const other = join(tempDir(t), 'other');
        mkdirSync(other, { mode: 0o700 });
        const mounts = mount(join(at.spool, part), other);

        const refused = [await mounted(at, mounts, [BIN, 'call', 'add', '1', '2']), await mounted(at, mounts, WORKER)];
        const doctor = await mounted(at, mounts, [BIN, 'doctor', '--json']);
        const after = await fsq(at, ['worker', '--burst', '-c', '1']);

        for (const { code, stderr } of refused) {
          assert.equal(code, 75, stderr);
          assert.match(stderr, new RegExp(`/${part} is a mount of its own.*Mount one volume.*FSQ_SPOOL_SPLIT`));
        }
        assert.equal(doctor.code, 1, doctor.stderr);
        assert.match(doctor.stdout, /other-device/);
        assert.equal(after.code, 0, after.stderr);
        assert.deepEqual(namesIn(at.spool, 'results'), [`${id}.json`]);
      });
    }
  }

  test('the whole spool in memory: used, and the doctor warns', async (t) => {
    const at = project(t);
    const script = `mount -t tmpfs -o mode=700 fsq-test "${at.spool}"; "$1" "$2" call add 1 2; "$@"; "$1" "$2" doctor --json`;

    const { code, stdout, stderr } = await mounted(at, script, WORKER);

    assert.equal(code, 0, stderr);
    assert.match(stdout, /"code": ?"memory-fs"/);
    assert.doesNotMatch(stdout, /"severity": ?"error"/);
    assert.deepEqual(namesIn(at.spool, 'pending'), [], 'the mount is gone, and nothing was written below it');
  });
});

describe('on an overlay', { skip: lacksOverlay() }, () => {
  /** The project as an image: what it holds now is the lower layer, and what is done in it goes to the upper, which stays. */
  function asImage(t: TestContext, at: Project): string {
    // An overlay cannot hold the upper layer of another, and /tmp may lie on one: then the layers lie in memory, on a mount
    // that outlives the programs.
    const layers = tempDir(t);
    const type = spawnSync('stat', ['-f', '-c', '%T', layers]).stdout.toString().trim();
    if (type === 'overlayfs') {
      assert.equal(spawnSync('mount', ['-t', 'tmpfs', 'fsq-test', layers]).status, 0);
      t.after(() => spawnSync('umount', ['--lazy', layers]));
    }
    for (const name of ['upper', 'work', 'lower']) mkdirSync(join(layers, name));
    cpSync(at.path, join(layers, 'lower'), { recursive: true, verbatimSymlinks: true });
    rmSync(at.spool, { recursive: true, force: true });
    chmodSync(join(layers, 'upper'), 0o755);
    const options = `lowerdir=${layers}/lower,upperdir=${layers}/upper,workdir=${layers}/work`;
    return `mount -t overlay fsq-test -o "${options}" "${at.path}"`;
  }

  test('a spool made in the upper layer, as in a container: works, and the doctor warns', async (t) => {
    const at = tempProject(t, { 'tasks.js': TASKS, 'many.js': MANY });
    const image = asImage(t, at);

    const many = await mounted(at, image, ['many.js']);
    const worker = await mounted(at, image, WORKER);
    const doctor = await mounted(at, image, [BIN, 'doctor', '--json']);

    assert.equal(many.stdout, 'sent\n', many.stderr);
    assert.equal(worker.code, 0, worker.stderr);
    assert.equal(doctor.code, 0, doctor.stdout);
    assert.match(doctor.stdout, /"code": ?"overlay-fs"/);
    assert.equal(resultsIn(doctor), 70);
  });

  test('a spool that came with the image, and all that can lie in it: every job runs, none twice', async (t) => {
    const at = project(t);
    const pending = await sent(at);
    const [claimed, ended] = [nextId(), nextId()];
    plantDeadOwner(at.spool, someOwner(), {
      [`5.${claimed}.default.1.0.json`]: jobText({ id: claimed, task: 'add', args: [2, 3] }),
      [`5.${ended}.default.1.0.json`]: jobText(
        { id: ended, task: 'add', args: [0, 0] },
        { attempts: [attempt()], outcome: { state: 'succeeded', value: 'kept' } },
      ),
    });
    plant(at.spool, 'spare/batch/1', 'old');
    const image = asImage(t, at);

    const many = await mounted(at, image, ['many.js']);
    const worker = await mounted(at, image, WORKER);
    await until(async () => {
      await mounted(at, image, WORKER); // The job of the dead owner waits a moment before it is due again.
      return (await mounted(at, image, [BIN, 'get', claimed, '--timeout', '1ms'])).code === 0;
    }, 'the job of the dead owner runs again');
    const recovered = await mounted(at, image, [BIN, 'get', claimed]);
    // One after the other: two overlays must not share an upper layer.
    const values = [await mounted(at, image, [BIN, 'get', pending]), await mounted(at, image, [BIN, 'get', ended])];
    const doctor = await mounted(at, image, [BIN, 'doctor', '--json']);

    assert.equal(many.stdout, 'sent\n', many.stderr);
    assert.equal(worker.code, 0, worker.stderr);
    assert.equal(recovered.stdout, '5\n', recovered.stderr);
    assert.deepEqual(
      values.map(({ stdout }) => stdout),
      ['3\n', '"kept"\n'],
    );
    assert.doesNotMatch(doctor.stdout, /"severity": ?"error"/);
  });
});

function resultsIn({ stdout }: Ran): number {
  const match = /"results": ?(\d+)/.exec(stdout);
  return Number(match?.[1]);
}
