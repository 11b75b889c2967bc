import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Picture } from '../../../../../src/cli/commands/look/watch-status.ts';

describe('a picture', () => {
  const drawn = (size: { columns: number; rows: number }): { picture: Picture; texts: string[] } => {
    const texts: string[] = [];
    return {
      picture: new Picture(
        (text) => texts.push(text),
        () => size,
      ),
      texts,
    };
  };

  test('is drawn over the one before, each in one write, and what is left of that goes', () => {
    const { picture, texts } = drawn({ columns: 80, rows: 24 });

    picture.draw(['OK', 'pending 1']);
    picture.draw(['WARNING']);
    picture.draw(['OK']);

    assert.deepEqual(texts, [
      'OK\u001b[K\npending 1\u001b[K\n\u001b[J',
      '\u001b[2A\rWARNING\u001b[K\n\u001b[J',
      '\u001b[1A\rOK\u001b[K\n\u001b[J',
    ]);
  });

  test('fits into the screen: long lines go on in the next row, wide characters take two cells, the last row is free', () => {
    const { picture, texts } = drawn({ columns: 11, rows: 4 });

    picture.draw(['ab cdefgh ij', '日本語日本語', 'not shown']);

    assert.deepEqual(texts, ['ab cdefgh\u001b[K\nij\u001b[K\n日本語日本\u001b[K\n\u001b[J']);
  });

  test('is drawn from the top when the screen has another size', () => {
    const { picture, texts } = drawn({ columns: 80, rows: 24 });

    picture.draw(['OK']);
    picture.redraw(['OK', 'x']);
    picture.draw(['OK']);

    assert.deepEqual(texts.slice(1), [
      '\u001b[2J\u001b[HOK\u001b[K\nx\u001b[K\n\u001b[J',
      '\u001b[2A\rOK\u001b[K\n\u001b[J',
    ]);
  });
});
