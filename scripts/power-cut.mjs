/**
 * `npm run power-cut -- --rounds 200 [--seed 1] [--disk xfs]`: cuts the power of a disk under load and checks that nothing accepted is lost.
 *
 * Disks are ext4, xfs and btrfs. Needs root, loop devices and, but for btrfs, python3. Exits with 1 if a promise was broken, with 2 if it cannot be tried here.
 */
import { parseArgs } from 'node:util';
import { whyNoLoopDisk } from '../test/support/loop-disk.ts';
import { cutPowerAgainAndAgain } from '../test/support/power-cut.ts';

/** Of one problem, which may name a thousand jobs, characters. */
const MOST_TOLD = 2_000;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Date.now() % 1e6) },
    disk: { type: 'string', default: 'ext4' },
  },
});
const reason = whyNoLoopDisk(values.disk);
if (reason === null) await main(Number(values.rounds), Number(values.seed), values.disk);
else {
  console.error(`power-cut: ${reason}`);
  process.exitCode = 2;
}

async function main(rounds, seed, kind) {
  console.log(`power-cut: ${rounds} rounds on ${kind}, seed ${seed}`);
  const startedAt = performance.now();
  let told = 0;
  const onRound = ({ rounds: done, accepted, problems }) => {
    for (const problem of problems.slice(told)) console.error(problem.slice(0, MOST_TOLD));
    told = problems.length;
    if (done % 8 === 0) console.log(`${done} rounds, ${accepted} jobs accepted, ${told} problems`);
  };
  const figures = await cutPowerAgainAndAgain({ kind, rounds, seed, onRound });

  const { accepted, seen, read, hidden, expired, reruns, problems } = figures;
  const minutes = ((performance.now() - startedAt) / 60_000).toFixed(1);
  console.log(
    `${figures.rounds} rounds in ${minutes} min: ${accepted} jobs accepted, ${seen} outcomes seen, ${read} read, ${hidden} of them hidden until a worker ran, ${expired} expired, ${reruns} runs repeated, ${problems.length} rounds with a broken promise`,
  );
  console.log(`of each kind: ${JSON.stringify(figures.kinds)}`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
