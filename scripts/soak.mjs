/**
 * `npm run soak -- --minutes 10`: three workers of four children and four producers, of which a random one is killed or
 * stopped every 100 ms; then a drain, and a count of what was lost, doubled or not expected. Exits with 1 if anything was.
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Crew } from './soak/crew.mjs';
import { verdictOf } from './soak/verdict.mjs';

const KILL_EVERY_MS = 100;
const WORKERS = 3;
const PRODUCERS = 4;
/** A worker that drains what is left may take this long, ms: the longest backoff after crashes is 2 s. */
const DRAIN_MS = 120_000;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({ options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string' } } });
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const random = randomSource(seed);

const project = mkdtempSync(join(tmpdir(), 'fsq-soak-'));
process.on('exit', () => rmSync(project, { recursive: true, force: true, maxRetries: 5 }));
const paths = Object.fromEntries(
  ['journal', 'accepted', 'rejected'].map((name) => [name, join(project, `${name}.txt`)]),
);
prepare();

const env = {
  ...process.env,
  FSQ_FSYNC: '0',
  SOAK_JOURNAL: paths.journal,
  SOAK_ACCEPTED: paths.accepted,
  SOAK_REJECTED: paths.rejected,
};
const crew = new Crew(project, env, join(root, 'bin/fsq.js'));
for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => void finish(130));

console.log(`soak: ${values.minutes} min, seed ${seed}`);
for (let i = 0; i < WORKERS; i++) crew.startWorker(['-c', '4']);
for (let i = 0; i < PRODUCERS; i++) crew.startProducer();
const endAt = Date.now() + Number(values.minutes) * 60_000;
let blows = 0;
while (Date.now() < endAt) {
  await wait(KILL_EVERY_MS);
  blows += strike() ? 1 : 0;
}
await wait(1_000); // Whoever was stopped last goes on.
crew.over();
await crew.end('producer', 'SIGKILL');
crew.producerDeaths += PRODUCERS;
await drain();
await crew.end('worker', 'SIGTERM');
const leftovers = await crew.endLeftovers(10_000);
report();

/** Half of the blows kill a child; the others stop one, or hit a worker or a producer. */
function strike() {
  const dice = random();
  const kind = dice < 0.75 ? 'child' : dice < 0.88 ? 'worker' : 'producer';
  const pids = crew.pids(kind);
  const pid = pids[Math.floor(random() * pids.length)];
  if (pid === undefined) return false;
  if (random() < 0.3) crew.pause(pid, Math.floor(random() * 800));
  else crew.kill(pid, kind);
  return true;
}

/** Until nothing waits or runs any more. */
async function drain() {
  const spool = join(project, 'spool');
  const left = () =>
    ['pending', 'delayed'].reduce((sum, name) => sum + readdirSync(join(spool, name)).length, 0) +
    readdirSync(join(spool, 'running')).reduce((sum, name) => sum + listed(join(spool, 'running', name)), 0);
  const giveUpAt = Date.now() + DRAIN_MS;
  while (left() > 0 && Date.now() < giveUpAt) await wait(100);
}

function listed(path) {
  try {
    return readdirSync(path).length;
  } catch {
    return 0; // Recovered meanwhile.
  }
}

function report() {
  const lines = (path) =>
    readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  const verdict = verdictOf({
    accepted: new Set(lines(paths.accepted)),
    uncertain: new Set(lines(paths.rejected).flatMap((line) => (line.split(' ')[1] ?? '').split(','))),
    outcomes: new Set(readdirSync(join(project, 'spool/results')).map((name) => name.replace('.json', ''))),
    journal: readFileSync(paths.journal, 'utf8'),
    deaths: crew.deaths,
    producerDeaths: crew.producerDeaths,
  });
  const { lost, unexpected, doubled, recovery } = verdict;
  console.log(
    `blows ${blows}, processes killed ${crew.deaths.length}, jobs ${verdict.jobs}, run again ${verdict.rerun}, sent by the dying ${verdict.unnoted}`,
  );
  console.log(
    `run again after a death: ${recovery.count} times, p50 ${recovery.p50} ms, p99 ${recovery.p99} ms, at most ${recovery.most} ms`,
  );
  console.log(
    `lost ${lost.length}, unexpected ${unexpected.length}, doubled without a death ${doubled.length}, processes left behind ${leftovers}`,
  );
  for (const entry of [...lost, ...unexpected, ...doubled].slice(0, 20)) console.log(entry);
  const isGood =
    verdict.jobs > 0 && crew.deaths.length > 0 && lost.length + unexpected.length + doubled.length + leftovers === 0;
  console.log(isGood ? 'soak: passed' : 'soak: failed');
  process.exitCode = isGood ? 0 : 1;
}

async function finish(code) {
  crew.over();
  await Promise.all([crew.end('producer', 'SIGKILL'), crew.end('worker', 'SIGQUIT')]);
  process.exit(code);
}

function prepare() {
  cpSync(join(root, 'scripts/soak/journaled-tasks.js'), join(project, 'tasks.js'));
  cpSync(join(root, 'scripts/soak/producer.js'), join(project, 'producer.js'));
  for (const path of Object.values(paths)) writeFileSync(path, '');
  writeFileSync(join(project, 'package.json'), '{"name":"soak","type":"module"}');
  mkdirSync(join(project, 'node_modules'));
  mkdirSync(join(project, 'spool'), { mode: 0o700 });
  mkdirSync(join(project, 'spool/running'), { mode: 0o700 });
  symlinkSync(root, join(project, 'node_modules/fsq'));
}

/** A small seeded source of numbers in [0, 1): mulberry32, public domain. */
function randomSource(start) {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
