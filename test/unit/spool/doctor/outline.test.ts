/** Ids that come more than once are found among many, and no others. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import test from 'node:test';
import { Doubled } from '../../../../src/spool/doctor/outline.ts';

const COUNT = 100_000;

/** Of these only the digits at one place differ, as in ids of one machine or of one millisecond. */
const SHAPES: readonly (readonly [what: string, idOf: (i: number) => string])[] = [
  ['that are random', () => randomUUID()],
  ['that differ at the end', (i) => `01a2025d-adaa-7000-bfac-${hex(i, 12)}`],
  ['that differ at the beginning', (i) => `${hex(i, 8)}-adaa-1000-bfac-00000000000a`],
  ['that differ in the middle', (i) => `01a2025d-${hex(i >> 12, 4)}-7${hex(i & 0xfff, 3)}-bfac-00000000000a`],
];

for (const [what, idOf] of SHAPES) {
  test(`among ids ${what}`, () => {
    const ids = Array.from({ length: COUNT }, (_, i) => idOf(i));
    const doubled = new Doubled();
    for (const id of ids) doubled.add(id);
    assert.ok(doubled.isEmpty);
    const again = ids.filter((_, i) => i % 1_000 === 7);

    for (const id of again) doubled.add(id);

    assert.deepEqual(
      ids.filter((id) => doubled.has(id)),
      again,
    );
  });
}

function hex(number: number, digits: number): string {
  return number.toString(16).padStart(digits, '0');
}
