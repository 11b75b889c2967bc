import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonValue } from '../../../../../src/job/values/json.ts';
import { argsPreview } from '../../../../../src/ui/desk/job/shown-json.ts';

test('of arguments the beginning is shown on one line, however large or deep they are', () => {
  const deep = Array.from({ length: 10_000 }).reduce<JsonValue>((inner) => [inner], 1);
  const many = {
    get a(): string {
      return 'x';
    },
    get b(): string {
      throw new Error('what is not shown is not read');
    },
  };

  assert.equal(argsPreview([], 80), '');
  assert.equal(argsPreview(['photos/1.jpg', 100, null, true], 80), '"photos/1.jpg", 100, null, true');
  assert.equal(argsPreview([{ to: 'ann\na', of: [1, {}] }], 80), '{"to":"ann\\na", "of":[1, {}]}');
  assert.equal(argsPreview(['x'.repeat(1e6), 'y'], 80), `"${'x'.repeat(78)}…`);
  for (const large of [[deep], [{ ['k'.repeat(1e6)]: deep }], Array.from({ length: 1e5 }, (_, i) => i)])
    assert.equal(argsPreview(large, 80).length, 80);
  assert.equal(argsPreview([many], 2), '{…');
});
