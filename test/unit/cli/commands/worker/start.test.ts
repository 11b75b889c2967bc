/** How a worker was started, read from /proc as it stands for some ways to start one. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deadOrphans, orphansNotice, startOf } from '../../../../../src/cli/commands/worker/start.ts';

const NPM = { npm_execpath: '/usr/lib/node_modules/npm/bin/npm-cli.js' };
const ME = 30;

/** Processes by pid: parent and command line. The worker is ME. */
type Table = Readonly<Record<number, readonly [parent: number, ...command: readonly string[]]>>;

function procOf(table: Table, stdin: { flags: string; to: string } = { flags: '0100000', to: '/dev/pts/0' }) {
  return {
    readSystemFile: (path: string): string => {
      if (path === '/proc/self/fdinfo/0') return `pos:\t0\nflags:\t${stdin.flags}\nmnt_id:\t26\n`;
      const [, pid = '', what = ''] = /^\/proc\/(\d+)\/(\w+)$/.exec(path) ?? [];
      const [parent, ...command] = table[Number(pid)] ?? [];
      if (parent === undefined) throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
      return what === 'stat' ? `${pid} (a) b (c) S ${parent} 1 1 0` : `${command.join('\0')}\0`;
    },
    readLink: () => stdin.to,
  };
}

describe('the npm that started a worker is', () => {
  const cases: readonly [string, Table, string | null][] = [
    [
      'npx above a shell',
      { [ME]: [20, 'node', 'fsq'], 20: [10, 'sh', '-c', "'fsq' worker"], 10: [1, 'npm exec fsq worker'] },
      'npm (pid 10)',
    ],
    [
      'npm run, whose shell has become the worker',
      { [ME]: [10, 'node', 'fsq'], 10: [1, 'npm run worker'] },
      'npm (pid 10)',
    ],
    [
      'pnpm, which has no title',
      { [ME]: [10, 'node', 'fsq'], 10: [1, 'node', '/usr/bin/pnpm', 'run', 'w'] },
      'pnpm (pid 10)',
    ],
    [
      'yarn of the project',
      { [ME]: [10, 'node', 'fsq'], 10: [1, 'node', '/app/.yarn/releases/yarn-4.9.1.cjs', 'w'] },
      'yarn (pid 10)',
    ],
    [
      'none for a script of the shell that leaves it behind',
      { [ME]: [20, 'node', 'fsq'], 20: [10, 'sh', '-c', 'fsq worker > log 2>&1 &'], 10: [1, 'npm run w'] },
      null,
    ],
    [
      'npm for a script that goes on after another',
      { [ME]: [20, 'node', 'fsq'], 20: [10, 'sh', '-c', 'node build.js && fsq worker 2>&1'], 10: [1, 'npm run w'] },
      'npm (pid 10)',
    ],
    [
      'none where a program that npm started has started it',
      { [ME]: [20, 'node', 'fsq'], 20: [10, 'node', 'dev-server.js'], 10: [1, 'npm run dev'] },
      null,
    ],
    [
      'none in an interactive shell that npm started',
      { [ME]: [20, 'node', 'fsq'], 20: [10, 'bash'], 10: [1, 'npm run shell'] },
      null,
    ],
    ['none where the shell has gone', { [ME]: [1, 'node', 'fsq'], 1: [0, '/sbin/init'] }, null],
    [
      'none in a folder of that name',
      { [ME]: [10, 'node', 'fsq'], 10: [1, '/home/me/.npm/bin/node', '/srv/yarn/server.js'] },
      null,
    ],
  ];
  for (const [what, table, name] of cases) {
    test(what, () => {
      assert.equal(startOf(NPM, procOf(table), ME).launcher?.name ?? null, name);
    });
  }

  test('not looked for where npm has set no variable, nor where there is no /proc', () => {
    const table: Table = { [ME]: [10, 'node', 'fsq'], 10: [1, 'npm exec fsq worker'] };

    assert.equal(startOf({}, procOf(table), ME).launcher, null);
    assert.equal(startOf(NPM, procOf({}), ME).launcher, null);
  });
});

test('npm is gone when any process of the chain has another parent', () => {
  const table: Record<number, readonly [number, ...string[]]> = {
    [ME]: [20, 'node', 'fsq'],
    20: [10, 'sh', '-c', 'fsq worker'],
    10: [1, 'npm exec fsq worker'],
  };
  const { launcher } = startOf(NPM, procOf(table), ME);
  assert.equal(launcher?.isThere(), true);

  table[20] = [1, 'sh', '-c', 'fsq worker'];
  assert.equal(launcher?.isThere(), false);
  table[20] = [10, 'sh', '-c', 'fsq worker'];
  table[ME] = [1, 'node', 'fsq'];
  assert.equal(launcher?.isThere(), false);
});

test('nohup is known by the name of the program, or by the stdin that it puts in place of a terminal', () => {
  const table: Table = { [ME]: [10, 'node', 'fsq'], 10: [1, 'npm exec fsq worker'] };
  const nohup = { flags: '0100001', to: '/dev/null' };
  const isWithout = (env: NodeJS.ProcessEnv, stdin?: { flags: string; to: string }): boolean =>
    startOf(env, procOf(table, stdin), ME).isWithoutHangup;

  assert.equal(isWithout({}), false);
  assert.equal(isWithout({ _: '/usr/bin/node' }, { flags: '0100000', to: '/dev/null' }), false);
  assert.equal(isWithout({ _: '/usr/bin/nohup' }), true);
  assert.equal(isWithout({}, nohup), true);
  assert.equal(startOf({ ...NPM }, procOf(table, nohup), ME).launcher, null, 'npm may end with the terminal');
});

test('the dead whom process 1 cannot reap are told when two looks have seen one', () => {
  const stats: Record<string, string> = {
    '1': '1 (node) S 0 1',
    '12': '12 (node) S 1 12',
    '36': '36 (sleep) Z 1 12',
    '37': '37 (a) Z b) Z 1 12',
    '38': '38 (sleep) Z 12 12',
  };
  const files = {
    list: (): string[] => ['1', '12', '36', '37', '38', '39', 'self'],
    readSystemFile: (path: string): string => stats[path.split('/')[2] ?? ''] ?? assert.fail('ENOENT'),
    readLink: (): string => '',
  };
  const found = deadOrphans(files, 1);

  assert.deepEqual([...found], [36, 37]);
  assert.equal(orphansNotice(new Set(), found), null);
  assert.match(orphansNotice(new Set([36]), found) ?? '', /^A process .* `docker run --init`/);
  assert.match(orphansNotice(found, found) ?? '', /^2 processes/);
});

test('what cannot be read, for a moment or at all, tells of no end and of no dead', () => {
  const table: Record<number, readonly [number, ...string[]]> = {
    [ME]: [20, 'node', 'fsq'],
    20: [10, 'sh', '-c', 'fsq worker'],
    10: [1, 'npm exec fsq worker'],
  };
  const { launcher } = startOf(NPM, procOf(table), ME);
  const outOfDescriptors = (): never => {
    throw Object.assign(new Error('EMFILE'), { code: 'EMFILE' });
  };

  delete table[20];
  assert.equal(launcher?.isThere(), true);
  delete table[ME];
  assert.equal(launcher?.isThere(), true);

  const files = { list: outOfDescriptors, readSystemFile: outOfDescriptors, readLink: outOfDescriptors };
  assert.equal(deadOrphans(files, 1).size, 0);
});
