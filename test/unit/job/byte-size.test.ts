import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byteSize } from '../../../src/job/byte-size.ts';

test('a size is a number of bytes, or one of KB, MB or GB, each 1,024 of the one before', () => {
  assert.equal(byteSize(1, 'size'), 1);
  assert.equal(byteSize('512KB', 'size'), 524_288);
  assert.equal(byteSize('200MB', 'size'), 209_715_200);
  assert.equal(byteSize('1.5GB', 'size'), 1_610_612_736);
});

test('anything else is refused, with what was wanted', () => {
  for (const wrong of [0, -1, Number.NaN, Infinity, null, '', '200', '200 MB', '200mb', '-1MB', '0MB', '1TB', '1e3MB'])
    assert.throws(() => byteSize(wrong, 'size'), {
      code: 'FSQ_USAGE',
      message: /^Expected `size` to be a number of bytes >= 1 or a string like '512KB', '200MB', '2GB', got /,
    });
});
