/** The operation that counts, and takes over what processes had counted that have ended. No job depends on any of it. */
import { figuresFile, figuresOfJobs, plantFigures } from '../../support/figures.ts';
import { someOwner } from '../../support/owners.ts';
import type { Operation } from './catalogue.ts';

const [ENDED, TAKER] = [someOwner(1), someOwner(2)];

export const COUNT: Operation = {
  name: 'count, and take over what was counted',
  program: 'count.mjs',
  prepare: (spool) => {
    plantFigures(spool, { [`${ENDED}.json`]: figuresFile(20), [`${someOwner(3)}~${TAKER}.json`]: figuresFile(300) });
    return [];
  },
  input: { figures: figuresOfJobs(1) },
  // It is no promise.
  isRepeatedLater: true,
};
