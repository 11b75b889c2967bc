/** Withdrawing beside others who may take the same job at any moment. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { encodeBase } from '../../../../src/job/document.ts';
import { type Files, nodeFiles } from '../../../../src/spool/disk/files.ts';
import { delayedFileName, jobFileName } from '../../../../src/spool/layout.ts';
import { locate } from '../../../../src/spool/locate.ts';
import { withdraw } from '../../../../src/spool/revoking/withdraw.ts';
import { contextOf } from '../../../support/context.ts';
import { jobRecord } from '../../../support/factory.ts';
import { assertSound, placesOf } from '../../../support/invariants.ts';
import { someOwner } from '../../../support/owners.ts';
import { tempSpool } from '../../../support/temp.ts';

const ME = someOwner(1);
const OTHER = someOwner(2);

for (const place of ['pending', 'delayed'] as const) {
  test(`a job in ${place}/ that is taken between any two steps of its withdrawal is whole, and one of the two has it`, async (t) => {
    const whoHadIt = new Set<string>();
    for (let call = 1, isOver = false; !isOver; call++) {
      const { path, id, text, steal } = spoolWith(t, place);
      const { files, count } = interrupted(call, steal);
      const spots = await locate(contextOf(path), new Set([id]));

      const { missed } = await withdraw(contextOf(path, { files, fsync: false }), withdrawerOf(path), spots);

      isOver = count() < call;
      assertSound(path, [id]);
      const isStolen = existsSync(join(path, 'running', OTHER, nameOf(id, 1)));
      whoHadIt.add(isStolen ? 'other' : 'me');
      assert.equal(missed.has(id), isStolen, `call ${call}`);
      if (isStolen) assert.equal(readFileSync(join(path, 'running', OTHER, nameOf(id, 1)), 'utf8'), text);
      else assert.deepEqual(placesOf(path).get(id), [`results/${id}.json`]);
    }
    assert.equal(whoHadIt.size, 2);
  });
}

/** One job, and somebody who takes it if it still waits. */
function spoolWith(
  t: TestContext,
  place: 'pending' | 'delayed',
): { readonly path: string; readonly id: string; readonly text: string; readonly steal: () => void } {
  const { path } = tempSpool(t, { fsync: false });
  const record = jobRecord();
  const { id } = record;
  const name = nameOf(id, 0);
  const parsed = { id, queue: 'default', priority: 5, attempt: 0, crashes: 0 };
  const waiting = join(path, place, place === 'pending' ? name : delayedFileName(Date.now() + 60_000, parsed));
  const text = encodeBase(record);
  writeFileSync(waiting, text, { mode: 0o600 });
  for (const owner of [ME, OTHER]) mkdirSync(join(path, 'running', owner));
  const steal = (): void => {
    if (existsSync(waiting)) renameSync(waiting, join(path, 'running', OTHER, nameOf(id, 1)));
  };
  return { path, id, text, steal };
}

function nameOf(id: string, attempt: number): string {
  return jobFileName({ id, queue: 'default', priority: 5, attempt, crashes: 0 });
}

function withdrawerOf(path: string): Parameters<typeof withdraw>[1] {
  return {
    owner: ME,
    directory: join(path, 'running', ME),
    giveUp: AbortSignal.abort(),
  };
}

/** Files before whose call of that number `act` happens. */
function interrupted(call: number, act: () => void): { readonly files: Files; readonly count: () => number } {
  let calls = 0;
  const files = new Proxy(nodeFiles, {
    get: (target, key: keyof Files) => {
      const real = target[key] as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => {
        if (++calls === call) act();
        return real(...args);
      };
    },
  });
  return { files, count: () => calls };
}
