/** SIGKILL once a server has done any step by which a run ends otherwise than with success: the run is counted once, and its death with it or not at all. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { lacksPostgres } from '../support/postgres-server.ts';
import { lacksRedis } from '../support/redis-server.ts';
import { describe, pointsOf, tryPoint, type Verdict } from './commands/campaign.ts';
import { OPERATIONS } from './commands/catalogue.ts';
import { POSTGRES } from './commands/postgres-place.ts';
import { REDIS } from './commands/redis-place.ts';
import { eachOf } from './ops/campaign.ts';

const CLAIM = /move_?to_?active/i;
const AT_ONCE = 3;

for (const { name, place, skip } of [
  { name: 'Redis', place: REDIS, skip: lacksRedis },
  { name: 'PostgreSQL', place: POSTGRES, skip: lacksPostgres },
])
  for (const operation of OPERATIONS.filter(({ name }) => /claim and (fail|try again later|give back)/.test(name)))
    test(`killed in the middle of "${operation.name}" on ${name}: no attempt counts twice`, { skip }, async (t) => {
      const all = await pointsOf(place, operation);
      const claimed = all.findLastIndex(({ command }) => CLAIM.test(command));
      const points = all.slice(claimed + 1).filter(({ fault }) => fault.isDeadly && fault.at === 'before the reply');
      const verdicts: Verdict[] = [];

      await eachOf(points, async (point) => void verdicts.push(await tryPoint(place, point)), AT_ONCE);

      t.diagnostic(points.map(describe).join('\n'));
      assert.ok(points.length > 0, 'steps after the claim');
      assert.deepEqual(
        verdicts.flatMap(({ point, violations }) => violations.map((text) => `${describe(point)}: ${text}`)),
        [],
      );
    });
