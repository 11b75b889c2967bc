/**
 * `npm run bench`: runs scenarios, prints a table of each, and writes what was asked for. See docs/performance.md.
 *
 * Exits with 1 only in the short form (`--quick`), when a ratio fell below half of that in recorded.json: how fast a machine
 * is proves nothing about a change.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chart } from './chart.mjs';
import { contest, killAll } from './contest.mjs';
import { judge, ratiosOf, regressions } from './figures.mjs';
import { describeRun } from './machine.mjs';
import { merge, updatePage } from './page.mjs';
import { startRedis } from './peers/redis.mjs';
import { BENCH, CHECKOUT, makeRoot, removeRoot } from './places.mjs';
import { SCENARIOS } from './scenarios/index.mjs';
import { runText, scenarioText } from './table.mjs';

/** How long a scenario of the short form may go on with new rounds, ms: on a busy machine there are fewer. */
const QUICK_BUDGET_MS = 10_000;
/** The newest report of each scenario, as docs/performance.md shows it. */
const RESULTS = join(BENCH, 'results.jsonl');
const args = process.argv.slice(2);
const { values } = parseArgs({
  args,
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    rounds: { type: 'string' },
    jobs: { type: 'string' },
    seconds: { type: 'string' },
    dir: { type: 'string' },
    json: { type: 'string' },
    svg: { type: 'string' },
    recorded: { type: 'string', default: join(BENCH, 'recorded.json') },
    record: { type: 'boolean', default: false },
    'update-docs': { type: 'boolean', default: false },
  },
});
const scenarios = chosen(values.only, values.quick);
const rounds = Number(values.rounds ?? (values.quick ? 3 : 5));
const root = makeRoot(values.dir ?? null);
/** Servers of the peers, by what they keep. */
let redis = { inMemory: {}, durable: {} };
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, () => void stop(130));

try {
  process.exitCode = await main();
} finally {
  await cleanUp();
}

async function main() {
  if (!existsSync(join(CHECKOUT, 'dist/index.js'))) throw new Error('fsq is not built: run `npm run build`');
  const run = describeRun(root, args);
  console.log(`${runText(run)}\n`);
  if (!values.quick) redis = await startServers();
  const reports = [];
  for (const scenario of scenarios) {
    const report = { ...(await runScenario(scenario)), run };
    reports.push(report);
    console.log(`${scenarioText(report)}\n`);
    write(reports);
  }
  return conclude(reports);
}

/** A ratio that fell in the short form is measured once more before it counts: a slow minute of the machine is no regression. */
async function runScenario(scenario) {
  const report = await measure(scenario, []);
  if (!values.quick || regressions(report.judgements, recorded()).length === 0) return report;
  console.error(`bench: ${scenario.name} fell by half against the recorded ratios; measuring it once more`);
  return measure(scenario, report.results);
}

/** @param {readonly import('./figures.mjs').Result[]} earlier whose rounds are judged together with the new ones */
async function measure(scenario, earlier) {
  const scale = {
    isQuick: values.quick,
    jobs: values.jobs === undefined ? null : Number(values.jobs),
    seconds: values.seconds === undefined ? null : Number(values.seconds),
    redis,
  };
  const contestants = scenario.contestants(scale);
  const results = await contest(contestants, {
    rounds: scenario.isLong === true ? 1 : rounds,
    root,
    isSynced: scenario.isSynced === true,
    budgetMs: values.quick ? QUICK_BUDGET_MS : Infinity,
    scenario: earlier.length === 0 ? scenario.name : `${scenario.name}-again`,
    onRun: (name, round) => process.stderr.write(`${scenario.name}, round ${round + 1}: ${name}\n`),
  });
  const { name, title, figure, unit, rows, targets } = scenario;
  const withKind = results.map((result, i) => ({
    ...result,
    rounds: [...(earlier[i]?.rounds ?? []), ...result.rounds],
    ...showing(contestants[i]),
  }));
  return { name, title, figure, unit, rows, results: withKind, judgements: judge(name, targets, withKind) };
}

/** How the tables show a contestant. */
function showing({ kind, figure, unit }) {
  return { kind, ...(figure === undefined ? {} : { figure, unit }) };
}

/** After each scenario, so that whoever stops a long run keeps what it had. */
function write(reports) {
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(reports, null, 2)}\n`);
  if (values.svg !== undefined) writeFileSync(values.svg, chart(reports));
  if (!values['update-docs']) return;
  const all = merge(
    lastResults(),
    reports,
    SCENARIOS.map(({ name }) => name),
  );
  writeFileSync(RESULTS, all.map((report) => `${JSON.stringify(report)}\n`).join(''));
  writeFileSync(join(CHECKOUT, 'docs/performance.svg'), chart(all));
  const page = join(CHECKOUT, 'docs/performance.md');
  writeFileSync(page, updatePage(readFileSync(page, 'utf8'), all));
}

/** One report to a line. */
function lastResults() {
  if (!existsSync(RESULTS)) return [];
  const lines = readFileSync(RESULTS, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line));
}

/** @returns {number} the exit code */
function conclude(reports) {
  const judgements = reports.flatMap((report) => report.judgements);
  const count = (verdict) => judgements.filter((judgement) => judgement.verdict === verdict).length;
  console.log(`bench: ${count('met')} targets met, ${count('missed')} missed, ${count('unknown')} not measured`);
  if (values.record)
    writeFileSync(values.recorded, `${JSON.stringify({ ...recorded(), ...ratiosOf(judgements) }, null, 2)}\n`);
  if (!values.quick) return 0;
  const fallen = regressions(judgements, recorded());
  for (const sentence of fallen) console.log(`bench: ${sentence}: twice as bad or worse`);
  const broken = reports.flatMap(({ name, results }) =>
    results
      .filter(({ kind, missing }) => kind === 'fsq' && missing !== null)
      .map((result) => `${name}: ${result.name}: ${result.missing}`),
  );
  if (values.only === undefined) broken.push(...unmeasured(judgements));
  for (const sentence of broken) console.log(`bench: ${sentence}`);
  return fallen.length + broken.length === 0 ? 0 : 1;
}

/** A recorded ratio that nothing measures any more would guard nothing. */
function unmeasured(judgements) {
  const keys = new Set(judgements.filter(({ summary }) => summary !== null).map(({ key }) => key));
  return Object.keys(recorded())
    .filter((key) => !keys.has(key))
    .map((key) => `recorded.json has '${key}', which was not measured`);
}

function recorded() {
  return existsSync(values.recorded) ? JSON.parse(readFileSync(values.recorded, 'utf8')) : {};
}

/** `durable` means all scenarios whose names begin with `durable-`. */
function chosen(only, isQuick) {
  if (only === undefined) return SCENARIOS.filter((scenario) => !isQuick || scenario.isQuick === true);
  const names = only.split(',');
  const isMeant = ({ name }, wanted) => name === wanted || name.startsWith(`${wanted}-`);
  const unknown = names.find((name) => !SCENARIOS.some((scenario) => isMeant(scenario, name)));
  if (unknown !== undefined) {
    console.error(`bench: no scenario '${unknown}'; there are ${SCENARIOS.map(({ name }) => name).join(', ')}`);
    process.exit(2);
  }
  return SCENARIOS.filter((scenario) => names.some((name) => isMeant(scenario, name)));
}

async function startServers() {
  const inMemory = await startRedis(join(root, 'redis'));
  const durable = await startRedis(join(root, 'redis-durable'), { isDurable: true });
  return { inMemory, durable };
}

async function cleanUp() {
  killAll();
  for (const server of [redis.inMemory, redis.durable]) await server.stop?.();
  removeRoot(root);
}

async function stop(code) {
  await cleanUp();
  process.exit(code);
}
