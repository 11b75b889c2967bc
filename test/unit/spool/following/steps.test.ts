import assert from 'node:assert/strict';
import test from 'node:test';
import { stepIn, stepOf } from '../../../../src/spool/following/steps.ts';
import { delayedFileName, jobFileName, layoutOf } from '../../../../src/spool/layout.ts';
import { spotAt } from '../../../../src/spool/locate.ts';
import { nextId } from '../../../support/factory.ts';

const layout = layoutOf('/spool');

for (const attempt of [0, 1, 12, 999_999_999])
  for (const queue of ['default', 'q', '1', 'a-b_c', 'x'.repeat(64)])
    test(`the name of a job in queue ${queue.slice(0, 9)} tells step ${attempt} as well as its place does`, () => {
      const name = { id: nextId(), priority: 3, queue, attempt, crashes: 7 };
      const [pending, delayed] = [jobFileName(name), delayedFileName(1_000, name)];
      const spots = [spotAt(layout, `${layout.pending}/${pending}`), spotAt(layout, `${layout.delayed}/${delayed}`)];

      const steps = [stepIn(pending, true), stepIn(delayed, false)];

      assert.deepEqual(
        steps,
        spots.map((spot) => spot !== null && stepOf(spot, null)),
      );
      assert.notEqual(steps[0], steps[1]);
    });
