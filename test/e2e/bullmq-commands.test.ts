/** Every command, once, with jobs that BullMQ keeps in a Redis: what it prints, and that it names no spool. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { until } from '../support/conditions.ts';
import { fsq, type Project, type RunOptions, startWorker, tempProject } from '../support/project.ts';
import { lacksRedis, redisServer } from '../support/redis-server.ts';

const TASKS = `import { currentJob, task } from 'fsq';
export const add = task('add', async (a, b) => a + b);
export const echo = task('echo', async (text) => { console.log('said ' + text); currentJob().progress(1); return text; });
export const fail = task('fail', async (why) => { throw new RangeError(why); });
export const nap = task('nap', async (ms) => new Promise((resolve) => { setTimeout(resolve, ms); }));
`;
const CONFIG = `export default { schedules: { nightly: { task: 'add', args: [1, 1], cron: '0 3 1 1 *' } } };`;

/** A command, what its output matches (stdout, then stderr), and how it ends. */
type Said = readonly [args: readonly string[], told: RegExp, code?: number];

test(
  'every command works on BullMQ, and says where the jobs are',
  // It starts some eighty processes: on a busy machine each takes seconds.
  { skip: lacksRedis, timeout: 540_000 },
  async (t) => {
    const place = (await redisServer()).url('commands');
    const shown = place.replaceAll(/[.+?]/g, '\\$&');
    const project = tempProject(t, { 'tasks.mjs': TASKS, 'fsq.config.mjs': CONFIG });
    const { say, all } = commands(t, project, { FSQ_BROKER: place });
    const send = async (...args: readonly string[]): Promise<string> =>
      (await say(['call', ...args], /./)).stdout.trim();

    await all([
      [['init'], new RegExp(`the jobs are kept by ${shown}, which answers`)],
      [['status'], new RegExp(`^OK\nbroker +${shown}\n(?![^]*corrupt)[^]*No worker is running`)],
      [['tasks'], /echo +tasks\.mjs:3/],
      [['completion', 'bash'], /complete -o nosort/],
      [['ls'], /There is no such job/],
      [['doctor'], /server +Redis [^]*no-aof/],
      [['schedule', 'list'], /nightly +add/],
    ]);
    await say(['pause', 'mail'], /mail is paused/);
    const unheard = new RegExp(`No worker is running on ${shown}: [^]*FSQ_TIMEOUT`);
    await say(['call', 'nap', '1', '--timeout', '1ms'], unheard, 124);
    const [good, bad, mail, late] = await Promise.all([
      send('add', '1', '2'),
      send('fail', 'on fire'),
      send('echo', 'hi', '-q', 'mail', '--key', 'once'),
      send('add', '3', '4', '--countdown', '1h'),
    ]);
    const after = await send('add', '1', '--after', bad);
    assert.equal(await send('echo', 'again', '-q', 'mail', '--key', 'once'), mail, 'a key that is taken gives its job');
    await all([
      [['explain', mail], new RegExp(`No worker is running on ${shown}: [^]*Queue mail is paused`)],
      [['explain', late], /It is not to run before its time/],
      [['explain', after], new RegExp(`It waits for job ${bad} \\(task fail\\)`)],
      [['show', mail], new RegExp(`kept at +${shown}, queue mail, job ${mail}\n`)],
      [['check'], /^FSQ WARNING - \d jobs are ready and no worker runs/, 1],
      [['status', '--json'], new RegExp(`"spool": null,\\s+"broker": "${shown}"`)],
      [['metrics'], /fsq_queue_paused\{queue="mail"\} 1\n/],
      [['wait', good, '--timeout', '1ms'], /1 of 1 job has no outcome yet/, 124],
    ]);
    await say(['resume', 'mail'], /mail goes on; it has 1 ready job/);

    await say(
      ['drain', '-c', '2', '--github', '--summary', 'text', '--junit', 'report.xml'],
      /2 failed in[^]*title=task fail::RangeError: on fire/,
      1,
    );
    assert.match(
      readFileSync(join(project.path, 'report.xml'), 'utf8'),
      /<testsuite name="fail" tests="1" failures="1"/,
    );

    await all([
      [['get', good], /^3\n/],
      [['get', bad], /RangeError: on fire[^]*FSQ_TASK_FAILED/, 1],
      [['wait', good, bad], new RegExp(`${good} succeeded add\n${bad} failed fail: RangeError: on fire`), 1],
      [['ls', '--state', 'failed', '--error', 'on fire'], new RegExp(`^ID.*\n${bad} +fail +failed.*\n$`)],
      [['ls', '--ids', '--task', 'echo', '--text', 'hi'], new RegExp(`^${mail}\n$`)],
      [['explain', after], new RegExp(`It was not run, because job ${bad} \\(fail\\) failed: RangeError: on fire`)],
      [
        ['history', bad],
        /accepted +fail in queue default\n.*started +attempt 1 by .*\n.*failed +RangeError: on fire\n$/,
      ],
      [['logs', mail, '-f'], / out said hi\n$/],
      [
        ['check', '--max-failed', '1', '--max-age', '1h'],
        /^FSQ CRITICAL - 2 jobs failed \(at most 1\) \|.* failed=2;;1 /,
        2,
      ],
      [['check', '--max-failed', '2', '--since', '1h', '-Q', 'default'], /^FSQ OK - .* failed=2;;2 /],
      [['events', '--since', '1h'], new RegExp(`accepted +${mail} echo in queue mail\n`)],
      [['replay', good], /^3\n/],
      [['retry', good], /has succeeded and is not run again/, 2],
      [['retry', '--state', 'failed', '--dry-run'], /2 jobs would be sent back/],
      [['revoke', late], new RegExp(`${late} add revoked`)],
      [
        ['get', '0199f3c2-8d1e-7b3a-9c4d-5e6f708192a3'],
        new RegExp(`There is no job .* in ${shown}: .*FSQ_UNKNOWN_JOB`),
        3,
      ],
    ]);

    const notify = `sh -c 'echo "$1 $2 $FSQ_BROKER" >> ends.txt' _ {id} {state}`;
    const options = ['-c', '2', '--allow-exec', '--metrics-port', '0', '--notify', notify];
    const worker = await startWorker(t, project, options, { env: { FSQ_BROKER: place } });
    const nap = await send('nap', '600000');
    const toldBy = async (args: readonly string[], told: RegExp): Promise<boolean> =>
      told.test((await fsq(project, args, { env: { FSQ_BROKER: place } })).stdout);
    await until(() => toldBy(['status'], /, 2 children/), 'both children are ready');
    await until(() => toldBy(['explain', nap], /attempt 1\./), 'the nap has begun');
    await all([
      [['call', 'add', '5', '6', '--wait'], /^11\n/],
      [['exec', '--wait', '--', 'echo', 'ran'], /./],
      [['retry', bad, '--next'], new RegExp(`${bad} fail\n`)],
      [['retry', bad, '--args', '["else"]'], /^[0-9a-f-]{36}\n/],
      [['map', 'add'], /"value":3[^]*"value":7/],
      [['schedule', 'run', 'nightly'], /^[0-9a-f-]{36}\n/],
      [['status'], /workers +pid \d+ on \S+, 2 children/],
      [['explain', nap], /in worker process \d+ on \S+, attempt 1\./],
    ]);
    await say(['revoke', nap, '--terminate'], new RegExp(`${nap} nap requested`));
    await say(['get', nap, '--timeout', '30s'], /was revoked while attempt 1 ran\. \(FSQ_REVOKED\)/, 4);
    // It exits by what has become of those that it has waited for, and some of these fail.
    await until(() => toldBy(['ls', '--ids', '--state', 'pending,running,delayed'], /^$/), 'all have ended');
    await say(['wait', '--all', '--timeout', '30s'], /^/);
    const [, url = ''] = await worker.printed(/metrics: (http:[^"]*)/);
    const figures = async (): Promise<string> => (await fetch(url)).text();
    const isCounted = async (): Promise<boolean> => /task="fail",outcome="failed"\} 3\n/.test(await figures());
    await until(isCounted, 'three failed runs are counted');
    await worker.stop();
    assert.match(readFileSync(join(project.path, 'ends.txt'), 'utf8'), new RegExp(`^${nap} revoked ${shown}$`, 'm'));

    await all([
      [['schedule', 'pause', 'nightly'], /nightly is paused/],
      [['forget', good], /1 outcome was forgotten/],
      [['gc'], /removed|There is nothing to remove/],
      [['worker', '--burst', '-c', '1'], /(?:broker|nothing)/],
    ]);
    await say(['schedule', 'resume', 'nightly'], /nightly goes on/);
    await say(['purge', '--state', 'failed', '--yes'], /0 jobs revoked, [1-9]\d* outcomes? forgotten/);
    assert.ok(!existsSync(project.spool), 'a spool was made');
  },
);

function commands(t: TestContext, project: Project, env: Readonly<Record<string, string>>) {
  const say = async (...[args, told, code = 0]: Said): Promise<Awaited<ReturnType<typeof fsq>>> => {
    const options: RunOptions = args[0] === 'map' ? { env, input: '[1,2]\n[3,4]\n' } : { env };
    const ran = await fsq(project, args, options);
    const text = `${ran.stdout}${ran.stderr}`;
    const which = `fsq ${args.join(' ')}\n${text}`;
    assert.equal(ran.code, code, which);
    assert.match(text, told, which);
    assert.doesNotMatch(text, /this spool|undefined|\[object/, which);
    return ran;
  };
  t.diagnostic(`jobs at ${env['FSQ_BROKER']}`);
  return { say, all: async (rows: readonly Said[]) => Promise.all(rows.map((row) => say(...row))) };
}
