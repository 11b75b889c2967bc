/** What is left after a power cut (P1, P2, P4): everything that was accepted, whole, with one outcome each. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { whyNoLoopDisk } from '../support/loop-disk.ts';
import { cutPowerAgainAndAgain } from '../support/power-cut.ts';

/** `npm run power-cut` plays more. */
const ROUNDS = 3;
/** On a busy machine fewer rounds have to do. */
const LIMIT_MS = 20_000;

for (const kind of ['ext4', 'xfs', 'btrfs'] as const) {
  test(
    `after power cuts of ${kind} under load no accepted job is lost, torn or without its outcome`,
    { skip: whyNoLoopDisk(kind) ?? false },
    async (t) => {
      const seed = Date.now() % 1_000_000;
      t.diagnostic(`seed ${seed}`);

      const { rounds, accepted, seen, reruns, problems } = await cutPowerAgainAndAgain({
        kind,
        rounds: ROUNDS,
        seed,
        limitMs: LIMIT_MS,
      });

      t.diagnostic(
        `${rounds} cuts, ${accepted} jobs accepted, ${seen} outcomes seen before a cut, ${reruns} runs repeated`,
      );
      assert.deepEqual(problems, []);
      assert.ok(accepted >= rounds && seen > 0, 'hardly anything happened');
    },
  );
}
