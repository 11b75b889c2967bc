/**
 * The gate, `npm run check`: format, types, lint, build, then all tests once (the architecture test among them) under the coverage floor.
 *
 * Every stage runs even when an earlier one failed, so that one run shows all there is to mend; only the tests wait for a build. The others
 * run side by side, and each tells at its end what it said.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

const SIDE_BY_SIDE = [
  { name: 'format', args: ['run', '-s', 'format:check'] },
  { name: 'types', args: ['run', '-s', 'typecheck'] },
  { name: 'lint', args: ['run', '-s', 'lint'] },
  { name: 'build', args: ['run', '-s', 'build'] },
];
const TESTS = { name: 'tests and coverage', args: ['run', '-s', 'coverage'] };

const results = await Promise.all(SIDE_BY_SIDE.map((stage) => runStage(stage, 'pipe')));
const isBuilt = results.some(([name, result]) => name === 'build' && result === 'passed');
results.push(isBuilt ? await runStage(TESTS, 'inherit') : [TESTS.name, 'not run']);

const bad = results.filter(([, result]) => result !== 'passed');
console.log(bad.length === 0 ? 'check: passed' : `check: ${bad.map((pair) => pair.join(' ')).join(', ')}`);
process.exitCode = bad.length === 0 ? 0 : 1;

/** @returns {Promise<[name: string, result: 'passed' | 'failed']>} */
async function runStage({ name, args }, output) {
  if (output === 'inherit') console.log(`\n== ${name}`);
  const started = performance.now();
  const child = spawn('npm', args, { stdio: ['ignore', output, output] });
  const said = output === 'pipe' ? Promise.all([text(child.stdout), text(child.stderr)]) : [];
  const [status] = await once(child, 'close');
  const result = status === 0 ? 'passed' : 'failed';
  if (output === 'pipe') process.stdout.write(`\n== ${name}\n${(await said).join('')}`);
  console.log(`== ${name}: ${result} in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return [name, result];
}
