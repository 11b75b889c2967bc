/** Who is dead and who is not: every state of a process that a queue on one machine may meet. A false "dead" fails. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { Files } from '../../src/spool/disk/files.ts';
import { nodeFiles } from '../../src/spool/disk/files.ts';
import { bootId, writerName } from '../../src/spool/disk/identity.ts';
import { register } from '../../src/spool/owners/owner.ts';
import { verdictOf } from '../../src/spool/owners/verdicts.ts';
import { recoverOrphans } from '../../src/spool/recovery/recover.ts';
import { openSpool } from '../../src/spool/spool.ts';
import { until } from '../support/conditions.ts';
import { contextOf, recovererOf } from '../support/context.ts';
import { job } from '../support/factory.ts';
import { systemError } from '../support/faulty-files.ts';
import { namesIn } from '../support/invariants.ts';
import { lacks } from '../support/needs.ts';
import { type OwnerOptions, type OwnerProcess, probeFrom, startOwner } from '../support/owner-process.ts';
import { someOwner } from '../support/owners.ts';
import { isProcessAlive } from '../support/processes.ts';
import { tempDir } from '../support/temp.ts';

/** A spool, an owner in a process of its own, and what this process can prove of it. */
async function ownerIn(
  t: TestContext,
  options: OwnerOptions = {},
  spool: string = join(tempDir(t), 'spool'),
): Promise<{ readonly spool: string; readonly owner: OwnerProcess; readonly verdict: () => Promise<string> }> {
  const owner = await startOwner(t, spool, options);
  return { spool, owner, verdict: async () => (await verdictOf(contextOf(spool), owner.owner)).verdict };
}

function stateOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2)[0] ?? '';
}

describe('a process that lives is never taken for dead', () => {
  test('idle', async (t) => {
    const { verdict } = await ownerIn(t);

    assert.equal(await verdict(), 'alive');
  });

  test('in a busy loop', async (t) => {
    const { verdict, owner } = await ownerIn(t, { isBusy: true });
    await until(() => stateOf(owner.pid) === 'R', 'it spins');

    assert.equal(await verdict(), 'alive');
  });

  test('stopped, and resumed', async (t) => {
    const { verdict, owner } = await ownerIn(t);
    owner.kill('SIGSTOP');
    await until(() => stateOf(owner.pid) === 'T', 'it is stopped');

    assert.equal(await verdict(), 'alive');
    owner.kill('SIGCONT');
    assert.equal(await verdict(), 'alive');
  });

  test('stopped, with a full queue of connections that nobody accepts', async (t) => {
    const { spool, verdict, owner } = await ownerIn(t);
    owner.kill('SIGSTOP');
    await until(() => stateOf(owner.pid) === 'T', 'it is stopped');
    const sockets: Socket[] = [];
    t.after(() => sockets.forEach((socket) => socket.destroy()));

    const refusal = await fillQueue(join(spool, 'workers', `${owner.owner}.sock`), sockets);

    assert.equal(refusal, 'EAGAIN');
    assert.equal(await verdict(), 'alive');
  });

  test('with a spool so deep that the path of its socket is cut by the kernel', async (t) => {
    const spool = join(tempDir(t), 'd'.repeat(100), 'e'.repeat(100), 'spool');
    const first = await ownerIn(t, {}, spool);
    const second = await ownerIn(t, {}, spool);

    assert.equal(await first.verdict(), 'alive');
    await first.owner.end();

    assert.equal(await first.verdict(), 'dead');
    assert.equal(await second.verdict(), 'alive');
  });

  test('with a record that names another boot of the machine, as a container with its own boot id writes it', async (t) => {
    const { spool, verdict, owner } = await ownerIn(t);
    const path = join(spool, 'workers', `${owner.owner}.json`);
    const record = JSON.parse(readFileSync(path, 'utf8')) as object;
    writeFileSync(path, JSON.stringify({ ...record, bootId: 'that of a container' }));

    assert.equal(await verdict(), 'alive');
  });

  for (const [what, text] of Object.entries({
    empty: '',
    torn: '{"v":1,"own',
    null: 'null',
    'an array': '[1]',
    'of another owner': JSON.stringify({ v: 1, owner: someOwner(7), bootId: 'x' }),
    'full of wrong types': '{"owner":{},"pid":[],"bootId":17,"tasks":{"length":9},"queues":"all"}',
    'two megabytes long': `"${'x'.repeat(2 * 1024 * 1024)}"`,
  })) {
    test(`with a record that is ${what}`, async (t) => {
      const { spool, verdict, owner } = await ownerIn(t);
      writeFileSync(join(spool, 'workers', `${owner.owner}.json`), text);

      assert.equal(await verdict(), 'alive');
    });
  }

  test('just starting: its socket has no name before it listens', async (t) => {
    const spool = join(tempDir(t), 'spool');
    openSpool({ path: spool });
    let first: Promise<string> | null = null;
    const files: Files = {
      ...nodeFiles,
      rename: (from, to) => {
        if (to.endsWith('.sock')) first = connectTo(from);
        nodeFiles.rename(from, to);
      },
    };
    const context = contextOf(spool, { files });

    const registration = await register(context, { role: 'consumer', queues: null, tasks: [] });
    t.after(() => registration.release());

    assert.equal(await first, 'connected');
  });
});

describe('across the borders of containers', () => {
  const namespaces = {
    'pid namespace': ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'],
    'net namespace': ['unshare', '--net'],
    'mount namespace': ['unshare', '--mount'],
    'time namespace': ['unshare', '--time', '--fork', '--kill-child', '--boottime', '1000000'],
    'set of all namespaces': ['unshare', '-muinpCT', '--fork', '--kill-child', '--mount-proc', '--boottime', '1000000'],
  };
  for (const [what, within] of Object.entries(namespaces)) {
    test(`an owner in another ${what}: alive from outside, dead once it is`, { skip: lacks('unshare') }, async (t) => {
      const { verdict, owner } = await ownerIn(t, { within });

      assert.equal(await verdict(), 'alive');
      await owner.end();

      assert.equal(await verdict(), 'dead');
    });

    test(`a prober in another ${what}: an owner outside is alive`, { skip: lacks('unshare') }, async (t) => {
      const { spool, owner } = await ownerIn(t);

      const { verdict, isDraftDead } = probeFrom(within, spool, owner.owner, { draft: ownDraft() });

      assert.equal(verdict, 'alive');
      assert.equal(isDraftDead, false);
    });
  }
});

describe('where /proc says something else', () => {
  /** Runs a program in a mount namespace of its own, after `command`. */
  const behind = (command: string): readonly string[] => [
    'unshare',
    '--mount',
    'sh',
    '-c',
    `${command} && exec "$0" "$@"`,
  ];
  /** As systemd-nspawn does it. */
  const ownBootId = (t: TestContext): readonly string[] => {
    const file = join(tempDir(t), 'boot_id');
    writeFileSync(file, '11111111-2222-4333-8444-555555555555\n');
    return behind(`mount --bind ${file} /proc/sys/kernel/random/boot_id`);
  };

  test(
    'a container with a boot id of its own takes no producer outside for dead',
    { skip: lacks('unshare') },
    async (t) => {
      const { spool, owner } = await ownerIn(t);

      const { verdict, isDraftDead } = probeFrom(ownBootId(t), spool, owner.owner, { draft: ownDraft() });

      assert.deepEqual([verdict, isDraftDead], ['alive', false]);
    },
  );

  test(
    'nor an owner outside whose socket was removed, and nobody outside one in there',
    { skip: lacks('unshare') },
    async (t) => {
      const outside = await ownerIn(t);
      const inside = await ownerIn(t, { within: ownBootId(t) });
      for (const { spool, owner } of [outside, inside]) rmSync(join(spool, 'workers', `${owner.owner}.sock`));

      const { verdict } = probeFrom(ownBootId(t), outside.spool, outside.owner.owner);

      assert.equal(verdict, 'unknown');
      assert.equal(await inside.verdict(), 'unknown');
    },
  );

  test('a producer that hidepid hides is not taken for dead', { skip: lacks('unshare', 'setpriv') }, async (t) => {
    const { spool, owner } = await ownerIn(t);
    const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    const within = [...behind('mount -t proc -o hidepid=2 proc /proc'), ...asNobody];

    const { isDraftDead } = probeFrom(within, spool, owner.owner, { draft: ownDraft() });

    assert.equal(isDraftDead, false);
  });
});

describe('a process that is dead', () => {
  test('killed', async (t) => {
    const { verdict, owner } = await ownerIn(t);

    await owner.end();

    assert.equal(await verdict(), 'dead');
  });

  test('a zombie that its parent never reaps', { skip: process.platform !== 'linux' && 'needs Linux' }, async (t) => {
    const { verdict, owner } = await ownerIn(t, { within: ['sh', '-c', '"$0" "$@" & exec sleep 1000'] });
    assert.equal(await verdict(), 'alive');

    process.kill(owner.ownPid, 'SIGKILL');
    await until(() => stateOf(owner.ownPid) === 'Z', 'it is a zombie');

    // Its first thread may be a zombie before the others have ended: it is dead when all have.
    await until(async () => (await verdict()) === 'dead', 'it is dead');
    assert.equal(stateOf(owner.ownPid), 'Z');
  });

  test('and its pid belongs to another process', { skip: lacks('unshare') }, async (t) => {
    const { verdict, owner } = await ownerIn(t);
    await owner.end();

    const pid = reusePid(t, owner.pid);

    assert.equal(pid, owner.pid);
    assert.equal(isProcessAlive(owner.pid), true);
    assert.equal(await verdict(), 'dead');
  });

  test('of an earlier boot: its record says so and its socket is gone', async (t) => {
    const { spool, verdict, owner } = await ownerIn(t);
    await owner.end();
    rmSync(join(spool, 'workers', `${owner.owner}.sock`));
    const path = join(spool, 'workers', `${owner.owner}.json`);
    assert.equal(await verdict(), 'unknown');

    writeFileSync(path, readFileSync(path, 'utf8').replace(bootId(nodeFiles) ?? '', 'an earlier boot'));

    assert.equal(await verdict(), 'dead');
  });
});

describe('what cannot be proved is unknown: nothing is taken, and it is reported', () => {
  test('the socket was removed', async (t) => {
    const { spool, verdict, owner } = await ownerIn(t);
    rmSync(join(spool, 'workers', `${owner.owner}.sock`));
    const held = plantHeld(spool, owner.owner);

    assert.equal(await verdict(), 'unknown');
    const reports = await recoveryRound(spool);

    assert.deepEqual(reports, [`${owner.owner}: its socket is missing`]);
    assert.deepEqual(namesIn(spool, `running/${owner.owner}`), [held]);
  });

  test('a plain file lies in place of the socket, as after a restore from a backup', async (t) => {
    const { spool, verdict, owner } = await ownerIn(t);
    const path = join(spool, 'workers', `${owner.owner}.sock`);
    rmSync(path);
    writeFileSync(path, '');
    const held = plantHeld(spool, owner.owner);

    assert.equal(await verdict(), 'unknown');
    const reports = await recoveryRound(spool);

    assert.equal(reports.length, 1);
    assert.deepEqual(namesIn(spool, `running/${owner.owner}`), [held]);
  });

  test('workers/ was moved away', async (t) => {
    const { spool, verdict } = await ownerIn(t);
    renameSync(join(spool, 'workers'), join(spool, 'elsewhere'));

    assert.equal(await verdict(), 'unknown');
  });

  test('workers/ may not be read by this user', { skip: lacks('setpriv') }, async (t) => {
    const spool = join(worldReadable(t), 'spool');
    const { owner } = await ownerIn(t, {}, spool);
    execFileSync('chmod', ['755', spool]);

    const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    const { verdict, reason } = probeFrom(asNobody, spool, owner.owner);

    assert.equal(verdict, 'unknown');
    assert.match(reason ?? '', /EACCES/);
  });

  test('the spool lies on a file system of a network, where no kernel knows all processes', async (t) => {
    const { spool, owner } = await ownerIn(t);
    await owner.end();
    const files: Files = { ...nodeFiles, fileSystem: (path) => ({ ...nodeFiles.fileSystem(path), type: 0x6969 }) };

    const { verdict } = await verdictOf(contextOf(spool, { files }), owner.owner);

    assert.equal(verdict, 'unknown');
  });

  for (const operation of ['openDirectory', 'open', 'readSystemFile', 'entry', 'fileSystem'] as const) {
    test(`${operation} fails for want of descriptors: the living is never dead, whatever its record says`, async (t) => {
      const { spool, owner } = await ownerIn(t);
      const fail = (): never => {
        throw systemError('EMFILE', operation);
      };
      const context = contextOf(spool, { files: { ...nodeFiles, [operation]: fail } });
      const seen = await verdictOf(context, owner.owner);
      rmSync(join(spool, 'workers', `${owner.owner}.sock`));
      const seenWithoutSocket = await verdictOf(context, owner.owner);

      assert.notEqual(seen.verdict, 'dead');
      assert.equal(seenWithoutSocket.verdict, 'unknown');
    });
  }

  test('a prober with 0 to 6 descriptors left takes neither a living owner nor a draft of its own for dead', async (t) => {
    const { spool, owner } = await ownerIn(t);
    const limited = ['prlimit', '--nofile=64', '--'];
    if (spawnSync('prlimit', ['--version']).error !== undefined) return t.skip('needs prlimit');

    const probed = [0, 1, 2, 3, 6].map((left) => probeFrom(limited, spool, owner.owner, { left }));

    assert.equal(probed[0]?.verdict, 'unknown');
    assert.equal(probed[4]?.verdict, 'alive');
    for (const { verdict, isDraftDead } of probed) {
      assert.notEqual(verdict, 'dead');
      assert.equal(isDraftDead, false);
    }
  });
});

/** A name in tmp/ that says this process has written it. */
function ownDraft(): string {
  return `${writerName(nodeFiles, process.pid)}.x.0`;
}

/** Connects until the kernel refuses more; the code of that refusal. */
async function fillQueue(path: string, sockets: Socket[]): Promise<string> {
  for (let i = 0; i < 5_000; i++) {
    const socket = connect(path);
    sockets.push(socket);
    const code = await new Promise<string | null>((resolve) => {
      socket.once('connect', () => resolve(null));
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'));
    });
    if (code !== null) return code;
  }
  throw new Error('5,000 connections were taken');
}

function connectTo(path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve('connected');
    });
    socket.once('error', ({ message }) => resolve(message));
  });
}

/** Starts processes until one has `pid`; each try moves the kernel's counter just before it. */
function reusePid(t: TestContext, pid: number): number | null {
  for (let tries = 0; tries < 50; tries++) {
    // One shell does both, so that few processes come between.
    const script = `echo ${pid - 1} > /proc/sys/kernel/ns_last_pid; sleep 1000 > /dev/null 2>&1 & echo $!`;
    const got = Number(execFileSync('sh', ['-c', script], { encoding: 'utf8' }));
    t.after(() => void spawnSync('kill', ['-9', `${got}`]));
    if (got === pid) return pid;
  }
  return null;
}

/** A job's file in the directory of `owner`, as if it had claimed it. */
function plantHeld(spool: string, owner: string): string {
  const name = `5.${job().job.id}.default.1.0.json`;
  writeFileSync(join(spool, 'running', owner, name), '{"task":"echo"}', { mode: 0o600 });
  return name;
}

/** Looks at every owner as a worker does; what it says it cannot judge. */
async function recoveryRound(spool: string): Promise<readonly string[]> {
  const reports: string[] = [];
  const onEvent = (event: { kind: string; owner?: string; reason?: string }): void => {
    if (event.kind === 'unproved') reports.push(`${event.owner}: ${event.reason}`);
  };
  await recoverOrphans(contextOf(spool), recovererOf(someOwner(99), { onEvent }));
  return reports;
}

/** A folder that other users may enter. */
function worldReadable(t: TestContext): string {
  const path = join(tempDir(t), 'open');
  execFileSync('chmod', ['755', join(path, '..')]);
  mkdirSync(path, { mode: 0o755 });
  assert(existsSync(path) && readdirSync(path).length === 0);
  return path;
}
