import assert from 'node:assert/strict';
import test from 'node:test';
import { EarlyPrints } from '../../../../src/broker/common/early-prints.ts';
import { machineMs } from '../../../../src/broker/common/machine-ms.ts';

const out = (text: string): { stream: 'stdout'; chunk: Buffer } => ({ stream: 'stdout', chunk: Buffer.from(text) });
const textsOf = (all: ReturnType<EarlyPrints['of']>): readonly string[] => all.map(({ chunk }) => chunk.toString());

test('what was read before a run began is not of it, nor of a later one', () => {
  const early = new EarlyPrints();

  early.hold(out('before'));
  const begunAtMs = machineMs();
  early.hold(out('since'));

  assert.deepEqual(textsOf(early.since(begunAtMs)), ['since']);
  assert.deepEqual(textsOf(early.since(0)), []);
});

test('of more than can be held back the last is', () => {
  const early = new EarlyPrints();

  early.hold(out('o'.repeat(1_000)));
  early.hold(out('x'.repeat(40_000)));
  early.hold(out('y'.repeat(25_000)));
  early.hold(out('new'));

  const kept = textsOf(early.of('any')).map((text) => text[0]);
  assert.deepEqual(kept, ['x', 'y', 'n']);
});

test('a chunk that is larger than all that can be held back is not, and the next is', () => {
  const early = new EarlyPrints();

  early.hold(out('x'.repeat(70_000)));
  early.hold(out('next'));

  assert.deepEqual(textsOf(early.of('any')), ['next']);
});
