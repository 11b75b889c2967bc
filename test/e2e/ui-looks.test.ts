/** When the page's server begins to look at the jobs: `fsq ui` at its start, a handler in somebody's server when it is asked. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { createApp } from '../../src/index.ts';
import { createUi } from '../../src/ui/ui.ts';
import { until } from '../support/conditions.ts';
import { job } from '../support/factory.ts';
import { REPOSITORY } from '../support/project.ts';
import { tempDir, tempSpool } from '../support/temp.ts';

const TOKEN = 'a-token-of-this-test';

/** Whether a process has a watch on this directory (proc(5), /proc/pid/fdinfo): whoever follows the jobs of a spool has. */
function isWatchedBy(pid: number, path: string): boolean {
  const inode = ` ino:${statSync(path).ino.toString(16)} `;
  const folder = `/proc/${pid}/fdinfo`;
  return readdirSync(folder).some((fd) => {
    try {
      return readFileSync(join(folder, fd), 'utf8').includes(inode);
    } catch {
      return false; // It was closed just now.
    }
  });
}

async function spoolWithJobs(t: TestContext): Promise<string> {
  const { path, broker } = tempSpool(t);
  await broker.enqueue([job()]);
  return path;
}

test('fsq ui looks at the jobs before a browser asks', { skip: process.platform !== 'linux' }, async (t) => {
  const path = await spoolWithJobs(t);
  const child = spawn(process.execPath, [join(REPOSITORY, 'bin/fsq.js'), 'ui', '--port', '0'], {
    cwd: tempDir(t),
    env: { ...process.env, FSQ_SPOOL: path },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGTERM');
    await exited;
  });

  await once(child.stdout, 'data');

  await until(() => isWatchedBy(child.pid ?? 0, join(path, 'results')), 'fsq ui follows the jobs');
});

test(
  "a handler in somebody's server looks at no job until a page asks",
  { skip: process.platform !== 'linux' },
  async (t) => {
    const path = await spoolWithJobs(t);
    const app = createApp({ spool: path });
    const ui = createUi({ app, token: TOKEN });
    const server = createServer(ui).listen(0, '127.0.0.1');
    t.after(async () => {
      server.close();
      server.closeAllConnections();
      await ui.close();
      await app.close();
    });
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const isWatched = (): boolean => isWatchedBy(process.pid, join(path, 'results'));

    assert.equal(await (await fetch(`${url}/healthz`)).text(), 'ok\n');
    assert.equal((await fetch(`${url}/api/jobs`)).status, 401);
    assert.equal(isWatched(), false);
    assert.equal((await fetch(`${url}/api/jobs`, { headers: { authorization: `Bearer ${TOKEN}` } })).status, 200);
    assert.equal(isWatched(), true);
  },
);
