/** Makes every state real in which a power cut may leave the spool during some operations, and brings it to its end. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { nodeFiles } from '../../../src/spool/disk/files.ts';
import { type DiskState, diskStates, type Order } from '../../support/disk-states.ts';
import { materialise, recordingFiles } from '../../support/recording-files.ts';
import { bringToEnd, type Operation } from './operations.ts';

/** States that are made real for each operation and order, evenly taken from all: others on another day. */
const MOST_STATES = 24;
const DAY_MS = 86_400_000;
/** Its multiples, without their whole part, fill any gap soonest. */
const GOLDEN_RATIO = 0.618_034;

// In memory: the states are what a disk may hold, and need none.
const root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'fsq-states-'));
after(() => rmSync(root, { recursive: true, force: true }));

/**
 * A suite of tests for each of the operations.
 *
 * @param most states of each and order, unless CRASH_STATES says another number
 * @param syncsAll whether the whole file system can be synced; who cannot syncs each file
 */
export function testEveryState(operations: readonly Operation[], most: number = MOST_STATES, syncsAll = false): void {
  const limit = Number(process.env['CRASH_STATES'] ?? most);
  const where = syncsAll ? ' where the whole file system can be synced' : '';
  for (const operation of operations) {
    describe(`a power cut while fsq does this costs nothing${where}: ${operation.name}`, () => {
      for (const order of ['ordered', 'reorder', 'doubled'] as const) {
        test(order, async (t) => {
          const { calls, disk } = await record(operation, syncsAll);
          if (syncsAll && !calls.some(({ call }) => call === 'sync all')) return t.skip('it does not sync it');
          const all = diskStates(calls, order, disk);
          const chosen = evenly(all, limit, Math.floor(Date.now() / DAY_MS));

          t.diagnostic(`${calls.length} calls, ${all.length} states, ${chosen.length} of them tried`);
          for (const state of chosen) await endsWell(state, operation, order);
        });
      }
    });
  }
}

/** At most `limit` of them, each as far from the next; the first moves on with the days. */
function evenly<T>(all: readonly T[], limit: number, day: number): readonly T[] {
  const step = Math.max(1, all.length / limit);
  const phase = (day * GOLDEN_RATIO) % 1;
  const places = Array.from({ length: Math.min(all.length, limit) }, (_, i) => Math.floor((i + phase) * step));
  return places.flatMap((i) => all.slice(i, i + 1));
}

async function record(
  operation: Operation,
  syncsAll: boolean,
): Promise<Pick<ReturnType<typeof recordingFiles>, 'calls' | 'disk'>> {
  const folder = mkdtempSync(join(root, 'recorded-'));
  try {
    const recording = recordingFiles(folder, nodeFiles, syncsAll);
    const end = await operation.act(join(folder, 'spool'), recording);
    const { disk } = recording;
    const calls = [...recording.calls]; // Without those of the end.
    await end();
    return { calls, disk };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function endsWell(state: DiskState, operation: Operation, order: Order): Promise<void> {
  const folder = mkdtempSync(join(root, 'state-'));
  try {
    await materialise(state, folder);
    await bringToEnd(join(folder, 'spool'), state.promises, operation, order);
  } catch (error) {
    assert.fail(`${error instanceof Error ? error.message : String(error)}\n  The cut came ${state.story}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
