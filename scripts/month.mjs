/**
 * `npm run month -- --jobs 20000`: a month of a busy spool, simulated: what it holds at the end of each day. Writes docs/month.svg; exits with 1
 * if the spool grows after the longest time to live.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { monthChart } from './month/chart.mjs';
import { simulate, unevenness } from './month/simulate.mjs';

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '20000' },
    days: { type: 'string', default: '30' },
    dir: { type: 'string', default: tmpdir() },
  },
});
const jobsPerDay = Number(values.jobs);
const path = mkdtempSync(join(values.dir, 'fsq-month-'));
process.on('exit', () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }));
for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => process.exit(130));

const days = await simulate({
  path,
  days: Number(values.days),
  jobsPerDay,
  stepsPerDay: 24,
  onDay: ({ day, files, bytes }) => console.log(`day ${day}: ${files} files, ${bytes} bytes`),
});
const title = `${jobsPerDay.toLocaleString('en')} jobs a day; successes kept for 1 day, failures for 7`;
writeFileSync(new URL('../docs/month.svg', import.meta.url), monthChart(days, title));
const wrong = unevenness(days);
console.log(`month: ${wrong ?? 'as large on the last day as on the ninth'}`);
process.exit(wrong === null ? 0 : 1);
