/**
 * The gate, `npm run check`: format, types, lint, build, then all tests once (the architecture test among them) under the coverage floor.
 *
 * Every stage runs even when an earlier one failed, so that one run shows all there is to mend; only the tests wait for a build.
 */
import { spawnSync } from 'node:child_process';

const STAGES = [
  { name: 'format', args: ['run', '-s', 'format:check'] },
  { name: 'types', args: ['run', '-s', 'typecheck'] },
  { name: 'lint', args: ['run', '-s', 'lint'] },
  { name: 'build', args: ['run', '-s', 'build'] },
  { name: 'tests and coverage', args: ['run', '-s', 'coverage'], needs: 'build' },
];

const results = new Map();
for (const { name, args, needs } of STAGES) {
  if (needs !== undefined && results.get(needs) !== 'passed') results.set(name, 'not run');
  else results.set(name, runStage(name, args));
}

const bad = [...results].filter(([, result]) => result !== 'passed');
console.log(bad.length === 0 ? 'check: passed' : `check: ${bad.map((pair) => pair.join(' ')).join(', ')}`);
process.exitCode = bad.length === 0 ? 0 : 1;

function runStage(name, args) {
  console.log(`\n== ${name}`);
  const started = performance.now();
  const { status } = spawnSync('npm', args, { stdio: 'inherit' });
  const result = status === 0 ? 'passed' : 'failed';
  console.log(`== ${name}: ${result} in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return result;
}
