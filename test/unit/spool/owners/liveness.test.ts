/** Who counts as dead: only what the kernel says is. A live owner taken for dead would run its jobs twice (P3). */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { BrokerEvent } from '../../../../src/broker/worker-side.ts';
import { ownersIn } from '../../../../src/spool/doctor/outline.ts';
import { nodeFiles } from '../../../../src/spool/disk/files.ts';
import { listOwners, verdictOf } from '../../../../src/spool/owners/verdicts.ts';
import { recoverOrphans } from '../../../../src/spool/recovery/recover.ts';
import { openSpool } from '../../../../src/spool/spool.ts';
import { until, within } from '../../../support/conditions.ts';
import { contextOf, recovererOf } from '../../../support/context.ts';
import { job } from '../../../support/factory.ts';
import { faultyFiles } from '../../../support/faulty-files.ts';
import { pronounceDead, someOwner } from '../../../support/owners.ts';
import { tempDir, tempSpool } from '../../../support/temp.ts';

const OWNER_SCRIPT = fileURLToPath(new URL('fixtures/owner.ts', import.meta.url));
const isLinux = process.platform === 'linux';

test('an owner in another process is alive while it idles, blocks or is stopped, and dead once it is killed', async (t) => {
  const { path, broker } = tempSpool(t);
  const sent = job();
  await broker.enqueue([sent]);
  const { owner, child } = await startOwner(t, path);
  const verdict = async (): Promise<string> => (await verdictOf(contextOf(path), owner)).verdict;
  assert.equal(await verdict(), 'alive');

  child.kill('SIGSTOP');
  if (isLinux) await until(() => stateOf(child.pid) === 'T', 'the process is stopped');
  // More connections than it ever accepts: its queue fills, and still it is alive.
  const whileStopped = new Set(await Promise.all(Array.from({ length: 600 }, verdict)));
  await recoverOrphans(contextOf(path), recovererOf(someOwner()));
  const stateWhileStopped = (await broker.find(sent.job.id))?.state;
  child.kill('SIGKILL');
  await once(child, 'exit');

  assert.deepEqual([...whileStopped], ['alive']);
  assert.equal(stateWhileStopped, 'running');
  assert.equal(await verdict(), 'dead');
  await recoverOrphans(contextOf(path), recovererOf(someOwner()));
  assert.equal((await broker.find(sent.job.id))?.state, 'delayed');
});

test('a zombie is dead', { skip: !isLinux }, async (t) => {
  const { path, broker } = tempSpool(t);
  await broker.enqueue([job()]);
  // The shell becomes a program that never waits for its children.
  const parent = spawn(
    'sh',
    ['-c', `"$0" --import tsx "$1" "$2" & exec sleep 60`, process.execPath, OWNER_SCRIPT, path],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  t.after(async () => {
    parent.kill('SIGKILL');
    await once(parent, 'exit');
  });
  const owner = await firstLine(parent);
  const pid = Number(owner.split('-')[0]);

  process.kill(pid, 'SIGKILL');
  await until(() => stateOf(pid) === 'Z', 'the process is a zombie');

  // Its other threads may hold the socket a moment longer.
  await until(async () => (await verdictOf(contextOf(path), owner)).verdict === 'dead', 'the zombie counts as dead');
  assert.equal(stateOf(pid), 'Z');
});

test('an owner whose socket answers is alive, also when the boot id is another', async (t) => {
  const { path, broker } = tempSpool(t);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());
  const rebooted = { ...nodeFiles, readSystemFile: () => 'another boot\n' };

  const answering = await verdictOf(contextOf(path, { files: rebooted }), consumer.owner);
  rmSync(join(path, 'workers', `${consumer.owner}.sock`));
  const missing = await verdictOf(contextOf(path, { files: rebooted }), consumer.owner);

  assert.equal(answering.verdict, 'alive');
  assert.equal(missing.verdict, 'dead', 'without a socket the boot decides');
});

test('where the kernel has no boot id, the socket alone decides', async (t) => {
  const { path, broker } = tempSpool(t);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());
  const files = {
    ...nodeFiles,
    readSystemFile: (): string => {
      throw new Error('no such file');
    },
  };

  const { verdict } = await verdictOf(contextOf(path, { files }), consumer.owner);

  assert.equal(verdict, 'alive');
});

test('an owner whose socket is missing is unknown: its jobs stay, and a person is told', async (t) => {
  const { path, broker } = tempSpool(t);
  const sent = job();
  await broker.enqueue([sent]);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());
  const claim = await consumer.next(new AbortController().signal);
  rmSync(join(path, 'workers', `${consumer.owner}.sock`));
  const events: BrokerEvent[] = [];

  await recoverOrphans(contextOf(path), recovererOf(someOwner(), { onEvent: (event) => events.push(event) }));

  assert.deepEqual(events, [{ kind: 'unproved', owner: consumer.owner, reason: 'its socket is missing' }]);
  assert.equal((await broker.find(sent.job.id))?.state, 'running');
  await claim?.settle({ kind: 'requeue' }, null);
});

test('a socket that is no socket proves nothing', async (t) => {
  const { path } = tempSpool(t);
  writeFileSync(join(path, 'workers', `${someOwner()}.sock`), '');

  const { verdict } = await verdictOf(contextOf(path), someOwner());

  assert.notEqual(verdict, 'alive');
});

test('a prober without descriptors concludes nothing', async (t) => {
  const faulty = faultyFiles(nodeFiles);
  const { path, broker } = tempSpool(t);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());
  const context = contextOf(path, { files: faulty.files });
  faulty.plan({ operation: 'openDirectory', call: 1, errno: 'EMFILE', lasts: 'for good' });

  assert.equal((await verdictOf(context, consumer.owner)).verdict, 'unknown');
});

test('an owner with a record that is torn, empty or foreign is judged by its socket', async (t) => {
  const { path, broker } = tempSpool(t);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());

  for (const text of ['', '{"owner":', 'null', `{"owner":"${someOwner()}","bootId":"x"}`]) {
    writeFileSync(join(path, 'workers', `${consumer.owner}.json`), text);

    assert.deepEqual(await verdictOf(contextOf(path), consumer.owner), { verdict: 'alive' }, text);
  }
});

test('a spool deeper than a socket path may be long is proved like any other', { skip: !isLinux }, async (t) => {
  const path = join(tempDir(t), 'd'.repeat(200), 'e'.repeat(100), 'spool');
  const broker = openSpool({ path });
  t.after(() => broker.close());
  const [one, other] = await Promise.all([
    broker.consumer({ queues: null, tasks: [] }),
    broker.consumer({ queues: null, tasks: [] }),
  ]);

  const both = (await broker.owners()).map(({ verdict }) => verdict);
  await one.close();
  const left = await broker.owners();
  await other.close();

  assert.ok(path.length > 300);
  assert.deepEqual(both, ['alive', 'alive']);
  assert.deepEqual(
    left.map(({ owner, verdict }) => [owner, verdict]),
    [[other.owner, 'alive']],
  );
});

test('an owner that ends in order leaves nothing behind', async (t) => {
  const { path, broker } = tempSpool(t);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  const keeper = await broker.keeper({ queues: null });

  await Promise.all([consumer.close(), keeper.close()]);

  const { readdirSync } = await import('node:fs');
  assert.deepEqual(readdirSync(join(path, 'workers')), []);
  assert.deepEqual(readdirSync(join(path, 'running')), []);
  assert.deepEqual(readdirSync(join(path, 'tmp')), []);
});

async function startOwner(t: TestContext, path: string): Promise<{ owner: string; child: ChildProcess }> {
  const child = spawn(process.execPath, ['--import', 'tsx', OWNER_SCRIPT, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  return { owner: await firstLine(child), child };
}

async function firstLine(child: ChildProcess): Promise<string> {
  assert.ok(child.stdout);
  const [line] = (await within(once(createInterface(child.stdout), 'line'), 'the name of the owner')) as [string];
  return line;
}

/** One letter, of proc(5). */
function stateOf(pid: number | undefined): string | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
}

test('a thousand owners are asked with a few descriptors', async (t) => {
  const { path } = tempSpool(t);
  for (let n = 1; n <= 1_000; n++) pronounceDead(path, someOwner(n));
  const open = new Set<number>();
  let most = 0;
  const files: typeof nodeFiles = {
    ...nodeFiles,
    openDirectory: (at) => {
      const descriptor = nodeFiles.openDirectory(at);
      most = Math.max(most, open.add(descriptor).size);
      return descriptor;
    },
    close: (descriptor) => {
      open.delete(descriptor);
      nodeFiles.close(descriptor);
    },
  };

  const context = contextOf(path, { files });

  const owners = await listOwners(context);
  const states = await ownersIn(context, { held: [], unlisted: [] });

  assert.deepEqual([owners.length, states.length], [1_000, 1_000]);
  assert.ok(owners.every(({ verdict }) => verdict === 'dead'));
  assert.ok(states.every(({ verdict }) => verdict.verdict === 'dead'));
  assert.ok(most <= 100, `${most} at a time`);
});
