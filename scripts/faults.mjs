/**
 * `npm run faults`: every fault at every system call of every operation; the tests try a sample of the same.
 *
 *   node --import tsx scripts/faults.mjs [--only=kill|two|error] [--operation=part of a name] [--fault=part of one]
 *                                        [--stride=N [--offset=M]]
 *
 * Each error comes once, and next to that for good: take an odd stride, or only one of the two is tried.
 *
 * Prints each broken promise as it is found, then points run, violations and time. Exit 1 on a violation.
 */
import { parseArgs } from 'node:util';
import * as campaign from '../test/fault/ops/campaign.ts';
import { OPERATIONS } from '../test/fault/ops/catalogue.ts';
import { NO_STRACE } from '../test/support/strace.ts';

/** After one in so many deaths of the operation, its recoverer is killed at one in so many of its calls, another each time. */
const FIRST_DEATHS = 12;
const SECOND_DEATHS = 15;
const RECOVERED = ['claim and finish', 'recover', 'recover after a recoverer'];

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    operation: { type: 'string', default: '' },
    fault: { type: 'string', default: '' },
    stride: { type: 'string', default: '1' },
    offset: { type: 'string', default: '0' },
  },
});
const [stride, offset] = [Number(options.stride), Number(options.offset)];
const operations = OPERATIONS.filter(({ name }) => name.includes(options.operation));
const FORMS = { kill: killPoints, two: twoKills, error: errorPoints };
const forms = Object.keys(FORMS).filter((form) => options.only === undefined || form === options.only);

if (NO_STRACE !== false || forms.length === 0 || operations.length === 0) {
  console.error(`faults: ${NO_STRACE || 'there is no such form or operation'}`);
  process.exitCode = 2;
} else await main();

async function main() {
  const startedAt = performance.now();
  const total = { points: 0, hits: 0, violations: 0 };
  for (const form of forms) {
    for (const operation of operations) {
      const counts = await attack(await FORMS[form](operation));
      if (counts.points > 0) console.log(`${form} · ${operation.name}: ${textOf(counts)}`);
      for (const key of Object.keys(total)) total[key] += counts[key];
    }
  }
  console.log(`faults: ${textOf(total)}, ${((performance.now() - startedAt) / 60_000).toFixed(1)} min`);
  if (total.violations > 0) process.exitCode = 1;
}

function textOf({ points, hits, violations }) {
  return `${points} points (${hits} came about), ${violations} with a violation`;
}

async function attack(tries) {
  const counts = { points: 0, hits: 0, violations: 0 };
  const chosen = tries.filter(({ name }) => name.includes(options.fault)).filter((_, i) => i % stride === offset);
  await campaign.eachOf(
    chosen,
    async ({ name, run }) => {
      const { isHit, violations } = await run();
      counts.points++;
      if (isHit) counts.hits++;
      if (violations.length === 0) return;
      counts.violations++;
      console.log(`VIOLATION ${name}\n${violations.map((text) => `    ${text}`).join('\n')}`);
    },
    4,
  );
  return counts;
}

async function killPoints(operation) {
  return (await campaign.killPoints(operation)).map(toTry);
}

async function errorPoints(operation) {
  return (await campaign.errorPoints(operation)).map(toTry);
}

function toTry(point) {
  return { name: campaign.describe(point), run: () => campaign.tryPoint(point) };
}

async function twoKills(operation) {
  if (!RECOVERED.includes(operation.name)) return [];
  const firsts = (await campaign.killPoints(operation)).filter((_, i) => i % FIRST_DEATHS === 0);
  const all = [];
  for (const [i, { fault }] of firsts.entries()) {
    const seconds = await campaign.secondKills(operation, fault);
    all.push(...seconds.filter((_, n) => n % SECOND_DEATHS === i % SECOND_DEATHS));
  }
  return all.map((kills) => ({
    name: `${operation.name}: SIGKILL at ${kills.first.name} ${kills.first.nth}, then of the recoverer at ${kills.second.name} ${kills.second.nth}`,
    run: () => campaign.tryTwoKills(kills),
  }));
}
