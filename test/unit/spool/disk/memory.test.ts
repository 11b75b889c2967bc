import assert from 'node:assert/strict';
import test from 'node:test';
import { withBytes, withRoom } from '../../../../src/spool/disk/memory.ts';

test('a text is the same in UTF-8, whole or in pieces, short or long', () => {
  const texts = ['', 'a', 'é漢😀', 'x'.repeat(70_000), '漢'.repeat(2_000_000), 'x'.repeat(5_000_000)];
  for (const text of texts) {
    assert.ok(withBytes(text, (bytes) => bytes.equals(Buffer.from(text))));
    assert.ok(withBytes(['<', text, 'é', text, '>'], (bytes) => bytes.equals(Buffer.from(`<${text}é${text}>`))));
  }
});

test('memory is used again, and never by two at a time', () => {
  const first = withRoom(10, (room) => room);
  const second = withRoom(10, (room) => {
    withRoom(10, (inner) => assert.notEqual(inner.buffer, room.buffer));
    assert.throws(() =>
      withBytes('inner', () => {
        throw new Error('in vain');
      }),
    );
    return room;
  });

  assert.equal(first.buffer, second.buffer);
  assert.ok(withRoom(100_000, (room) => room.length) >= 100_000);
});
