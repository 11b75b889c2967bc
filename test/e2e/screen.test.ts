/** What comes to a terminal: nothing that it would obey, from whatever place of a spool it is, and no line that is wider. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { COMMANDS } from '../../src/cli/main.ts';
import { pendingJobs, settledJob } from '../support/ended-jobs.ts';
import { threw } from '../support/factory.ts';
import { lacksProgram } from '../support/needs.ts';
import { jobText, plant } from '../support/planted.ts';
import { fsq, type Project, run, tempProject } from '../support/project.ts';
import { textWidth } from '../../src/cli/terminal/width.ts';

/** Sets the clipboard, writes from right to left, clears the screen, and goes back to the beginning of the line. */
const EVIL = '\u001b]52;c;QUJD\u0007\u202e\u009b2J\r';
/** All of it, and what else a terminal obeys; of C0 a line of output may hold a tab and its end. */
// eslint-disable-next-line no-control-regex -- they are what is looked for
const OBEYED = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

// eslint-disable-next-line no-control-regex -- as above
const COLOUR = /\u001b\[\d*m/g;

interface Scene {
  readonly project: Project;
  readonly failed: string;
  readonly pending: string;
}

async function hostileScene(t: TestContext): Promise<Scene> {
  const project = await tempProject(t, {
    'tasks.ts': `import { task } from 'fsq';\nexport const echo = task('echo', async () => console.log(${JSON.stringify(EVIL)}));\n`,
  });
  const spool = join(project.path, 'spool\u202e日本');
  const parts = { task: 'mail', args: [EVIL, { [EVIL]: EVIL }], headers: { [EVIL]: EVIL } };
  const failed = await settledJob(spool, parts, threw(`${EVIL}\n${EVIL}`));
  plant(spool, `logs/${failed}.log`, `2026-11-26T20:59:03.120Z out ${EVIL}\n2026-11-26T20:59:03.121Z fsq ${EVIL}\n`);
  plant(
    spool,
    `progress/${failed}.json`,
    JSON.stringify({ v: 1, attempt: 1, done: 1, total: 2, detail: EVIL, atMs: 1 }),
  );
  const [pending = ''] = await pendingJobs(spool, { task: 'echo' });
  for (const name of readdirSync(join(spool, 'pending')))
    if (name.includes(pending)) plant(spool, `pending/${name}`, jobText({ id: pending, task: EVIL, args: [EVIL] }));
  for (const folder of ['pending', 'delayed', 'results', 'corrupt', 'queues', 'schedules', 'cancel', 'workers', 'tmp'])
    plant(spool, `${folder}/${EVIL}.json`, EVIL);
  mkdirSync(join(spool, 'running', EVIL));
  writeFileSync(join(spool, 'running', EVIL, EVIL), EVIL);
  return { project: { ...project, spool }, failed, pending };
}

/** Arguments with which a command shows most; of one that is not here: none. Two that act come last. */
const LINES = ({ failed, pending }: Scene): Readonly<Record<string, readonly (readonly string[])[]>> => ({
  show: [[failed], [pending], [EVIL]],
  logs: [[failed]],
  get: [[failed], [EVIL]],
  wait: [[failed]],
  explain: [[failed], [pending]],
  history: [[failed]],
  replay: [[failed]],
  ls: [[], ['--json'], ['--task', EVIL], ['--state', EVIL]],
  call: [[EVIL], ['echo', '--queue', EVIL], ['echo', '--eta', EVIL]],
  map: [[EVIL], ['echo', '--key', EVIL]],
  exec: [['--timeout', EVIL, '--', 'true']],
  pause: [[EVIL]],
  resume: [[EVIL]],
  schedule: [['list'], ['run', EVIL], [EVIL]],
  forget: [[EVIL], ['--all', '--dry-run']],
  revoke: [[EVIL], ['--all', '--dry-run']],
  retry: [[EVIL], ['--state', 'failed', '--dry-run'], [failed]],
  completion: [[EVIL], ['bash', '--', `fsq show --spool ${EVIL} `, '', '9'], ['fish', '--', 'show', '']],
  doctor: [[], ['--json']],
  status: [[], ['--json']],
  check: [
    ['--max-failed', '0'],
    ['--max-age', EVIL],
  ],
  purge: [['--dry-run'], ['--state', EVIL]],
  events: [[]],
  top: [[EVIL]],
  ui: [
    ['--host', EVIL],
    ['--socket', `${EVIL}/x`],
    ['--base-path', EVIL, '--port', '0'],
  ],
  [EVIL]: [[]],
  worker: [
    ['--burst', '-c', '1', '-l', 'debug'],
    ['--tasks', EVIL],
    ['--burst', '-c', '1', '--notify', EVIL],
  ],
  drain: [
    ['-c', '1'],
    ['--summary', EVIL],
    ['--junit', `${EVIL}/x`],
  ],
});

describe('in a spool full of what a terminal obeys', { concurrency: 2 }, () => {
  let scene: Scene | null = null;
  const cleanUps: (() => void)[] = [];
  before(async () => {
    scene = await hostileScene({ after: (fn: () => void) => void cleanUps.push(fn) } as unknown as TestContext);
  });
  after(() => {
    for (const cleanUp of cleanUps) cleanUp();
  });

  const names = [...Object.keys(COMMANDS), EVIL];
  for (const name of names.toSorted((a, b) => rank(a) - rank(b)))
    test(`fsq ${JSON.stringify(name)} prints nothing of it`, { concurrency: false }, async () => {
      if (scene === null) throw new Error('The scene is not there');
      for (const args of [...(LINES(scene)[name] ?? [[]]), [`--spool=${EVIL}`, EVIL]]) {
        const line = [name, ...args];
        const options = { input: '', env: { FSQ_LOG_FORMAT: 'text' } };

        const { code, stdout, stderr } = await fsq(
          scene.project,
          [name, '--spool', scene.project.spool, ...line.slice(1)],
          options,
        );

        assert.notEqual(code, 70, `${line.join(' ')}: ${stderr}`);
        assert.doesNotMatch(stdout, OBEYED, line.join(' '));
        assert.doesNotMatch(stderr, OBEYED, line.join(' '));
      }
    });

  test(
    'ls on a terminal prints colours, and nothing else that it obeys',
    { skip: lacksProgram('script') },
    async () => {
      if (scene === null) throw new Error('The scene is not there');
      const { stdout } = await onTerminal(scene.project, 60, 'ls --spool "$SPOOL"', { SPOOL: scene.project.spool });

      assert.ok(stdout.includes('\u001b[31mfailed\u001b[0m'), stdout);
      assert.doesNotMatch(stdout.replace(COLOUR, '').replaceAll('\r\n', '\n'), OBEYED);
    },
  );
});

describe('on a terminal', { skip: lacksProgram('script') }, () => {
  for (const columns of [60, 80, 120, 300])
    test(`of ${columns} columns no listing and no help is wider`, async (t) => {
      const project = tempProject(t, {
        'tasks.mjs': "import { task } from 'fsq';\ntask('send:report/of-a-long-name', () => 1);\n",
      });
      await settledJob(
        project.spool,
        { task: 'send:report/of-a-long-name', args: ['日本語'] },
        threw('日本語のエラー'),
      );
      await pendingJobs(project.spool, { task: 'x'.repeat(128), queue: 'q'.repeat(60) });

      for (const args of ['ls', 'tasks', 'help', 'help worker', 'help call', 'ls --help']) {
        const { stdout } = await onTerminal(project, columns, args);
        const lines = stdout.replace(COLOUR, '').split(/\r?\n/);
        assert.ok(lines.length > 2, `${args}: ${stdout}`);
        for (const line of lines) assert.ok(textWidth(line) <= columns, `${args}: ${line}`);
      }
    });

  for (const [what, env, isColoured] of [
    ['has colours', {}, true],
    ['has none with NO_COLOR', { NO_COLOR: '1' }, false],
    ['has none where it is dumb', { TERM: 'dumb' }, false],
    ['has colours when they are forced', { NO_COLOR: '1', FORCE_COLOR: '1' }, true],
  ] as const)
    test(`a state ${what}`, async (t) => {
      const project = tempProject(t, {});
      await settledJob(project.spool, { task: 'mail' }, threw('no'));

      const { stdout } = await onTerminal(project, 120, 'ls', env);

      assert.equal(stdout.includes('\u001b[31mfailed\u001b[0m'), isColoured, stdout);
    });
});

/** Those that change the spool come last. */
function rank(name: string): number {
  return ['worker', 'drain'].indexOf(name) + 1;
}

/** Runs fsq on a terminal of so many columns; what it prints is in stdout. */
function onTerminal(
  project: Project,
  columns: number,
  args: string,
  env: Readonly<Record<string, string>> = {},
): ReturnType<typeof run> {
  const line = `stty cols ${columns} rows 50; exec '${process.execPath}' node_modules/fsq/bin/fsq.js ${args}`;
  return run(project, 'script', ['-qec', line, '/dev/null'], { env: { SHELL: '/bin/sh', TERM: 'xterm', ...env } });
}
