/**
 * `npm run machines`: two machines with a worker each, and a third with Redis; the link of one is cut and healed, all processes of another
 * die, and Redis is killed and started again, all under load. Then what was lost, doubled, or ran in two places at one time is
 * counted, and how long it took until jobs ran elsewhere. Linux, as root, with redis-server. Exits with 1 if anything was lost or doubled.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, copyFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Network } from './machines/network.mjs';
import { runsIn, takenOver, verdict } from './machines/verdict.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const LOCK_MS = 2_000;
const JOBS = Number(process.argv[2] ?? 300);
const EVERY_MS = 80;

if (process.env.FSQ_MACHINES !== 'inside') {
  // Namespaces of its own for the network and for /run/netns: all that is made in them goes with this process.
  const script = 'mkdir -p /run/netns && mount -t tmpfs none /run/netns && exec "$0" "$@"';
  const { status } = spawnSync(
    'unshare',
    [
      '--net',
      '--mount',
      '--pid',
      '--fork',
      '--mount-proc',
      '--kill-child',
      'sh',
      '-c',
      script,
      process.execPath,
      ...process.argv.slice(1),
    ],
    { stdio: 'inherit', env: { ...process.env, FSQ_MACHINES: 'inside' } },
  );
  process.exit(status ?? 1);
}

const folder = mkdtempSync(join(tmpdir(), 'fsq-machines-'));
const [runsFile, accepted, rejected] = ['runs', 'accepted', 'rejected'].map((name) => join(folder, `${name}.txt`));
for (const file of [runsFile, accepted, rejected]) writeFileSync(file, '');
prepare();

const network = new Network();
const [server, a, b] = [network.machine('server', 1), network.machine('a', 2), network.machine('b', 3)];
const broker = `bullmq+redis://${server.address}:6379/0?lock=${LOCK_MS}ms`;
const env = { PATH: process.env.PATH, FSQ_BROKER: broker, RUNS: runsFile, ACCEPTED: accepted, REJECTED: rejected };

let redis = startRedis();
await wait(500);
worker(a);
worker(b);
await wait(1_500);
const sender = server.start(process.execPath, ['send.mjs', String(JOBS), String(EVERY_MS)], { cwd: folder, env });
const sent = new Promise((resolve) => sender.on('exit', resolve));

await wait(3_000);
const cutAtMs = say('the link of a is cut');
a.cut();
await wait(6_000);
const healedAtMs = say('the link of a is healed');
a.heal();
await wait(6_000);
const killedAtMs = say(`all processes of b die`);
b.kill();
await wait(4_000);
say('b starts again');
worker(b);
await wait(3_000);
say('Redis is killed, and starts again');
redis.kill('SIGKILL');
await wait(300);
redis = startRedis();
await sent;
say('all are sent');

const ids = readFileSync(accepted, 'utf8').split('\n').filter(Boolean);
const outcomes = await endsOf(ids);
const runs = runsIn(
  readFileSync(runsFile, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line)),
);
const problems = verdict(runs, outcomes);
const back = runs.find(({ machine, beganAtMs }) => machine === 'a' && beganAtMs > healedAtMs);
console.log(
  `${ids.length} jobs accepted, ${readFileSync(rejected, 'utf8').split('\n').filter(Boolean).length} calls refused, ${runs.length} runs; lock ${LOCK_MS} ms`,
);
console.log(
  `cut off: jobs of a began on b after ${shown(takenOver(runs, 'a', cutAtMs))}; a works again ${back === undefined ? 'never' : `${back.beganAtMs - healedAtMs} ms`} after it is healed`,
);
console.log(`killed: jobs of b began on a after ${shown(takenOver(runs, 'b', killedAtMs))}`);
for (const problem of problems) console.log(`PROBLEM: ${problem}`);
console.log(
  problems.length === 0
    ? 'nothing lost, nothing doubled, no job in two places at one time'
    : `${problems.length} problems`,
);
rmSync(folder, { recursive: true, force: true });
process.exit(problems.length === 0 ? 0 : 1);

function prepare() {
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules/fsq'));
  for (const peer of ['bullmq', 'ioredis'])
    symlinkSync(join(root, 'node_modules', peer), join(folder, 'node_modules', peer));
  for (const name of ['tasks.mjs', 'send.mjs']) copyFileSync(join(root, 'scripts/machines', name), join(folder, name));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
}

/** Each write is on the disk before it is answered. */
function startRedis() {
  const options = [
    '--bind',
    server.address,
    '--protected-mode',
    'no',
    '--appendonly',
    'yes',
    '--appendfsync',
    'always',
    '--save',
    '',
  ];
  // Without a shell or `ip` between, so that a signal reaches it.
  return server.start('redis-server', [...options, '--dir', folder]);
}

function worker(machine) {
  const log = process.env.MACHINES_LOG === undefined ? 'ignore' : 'inherit';
  machine.start(process.execPath, [join(root, 'bin/fsq.js'), 'worker', '-c', '3', '-l', 'warn'], {
    cwd: folder,
    env: { ...env, MACHINE: machine.name },
    stdio: ['ignore', log, log],
  });
}

/** The state of each job, when all have ended or a minute has passed. */
async function endsOf(wanted) {
  const file = join(folder, 'states.mjs');
  writeFileSync(
    file,
    `import { createApp } from 'fsq';
const app = createApp();
const ids = ${JSON.stringify(wanted)};
const states = await Promise.all(ids.map(async (id) => {
  try { await app.result(id).get(60_000); return 'succeeded'; } catch (error) { return error.code + ' ' + error.message; }
}));
console.log(JSON.stringify(states));
process.exit();`,
  );
  const child = server.start(process.execPath, [file], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  await new Promise((resolve) => child.on('exit', resolve));
  const states = JSON.parse(text);
  return new Map(wanted.map((id, i) => [id, states[i]]));
}

function say(what) {
  console.log(what);
  return Date.now();
}

function shown(times) {
  return times.length === 0 ? 'no job was caught' : `${times[0]} to ${times.at(-1)} ms (${times.length})`;
}
