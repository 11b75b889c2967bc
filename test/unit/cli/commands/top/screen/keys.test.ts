import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { readKeys } from '../../../../../../src/cli/commands/top/screen/keys.ts';

function keysOf(text: string): readonly string[] {
  return readKeys(text).inputs.map((input) => (input.kind === 'key' ? input.key : `«${input.text}»`));
}

describe('keys', () => {
  for (const [sent, keys] of [
    ['jK/?', ['j', 'K', '/', '?']],
    ['\u001b[A\u001b[B\u001b[C\u001b[D', ['up', 'down', 'right', 'left']],
    ['\u001bOA\u001bOH\u001bOF', ['up', 'home', 'end']],
    ['\u001b[H\u001b[F\u001b[1~\u001b[4~\u001b[7~\u001b[8~', ['home', 'end', 'home', 'end', 'home', 'end']],
    ['\u001b[5~\u001b[6~\u001b[5;5~', ['pageup', 'pagedown', 'pageup']],
    ['\u001b[1;5A\u001b[1;2D', ['up', 'left']],
    ['\t\u001b[Z\r\n\u007f\b', ['tab', 'backtab', 'enter', 'enter', 'backspace', 'backspace']],
    ['\u0003\u001a\u000c', ['ctrl-c', 'ctrl-z', 'ctrl-l']],
    ['\u001bq', ['escape', 'q']],
    ['\u001b\u001b[A', ['escape', 'up']],
    ['日🎉', ['日', '🎉']],
    // Keys that mean nothing here, a report of the mouse, and the answer of a terminal that was asked who it is.
    ['\u001b[15~\u001b[<0;12;7M\u001b[?62;22cj', ['j']],
    ['\u001b[200~R y\nx\u001b[201~k', ['«R y\nx»', 'k']],
  ] as const)
    test(`${JSON.stringify(sent)} is ${keys.join(' ')}`, () => {
      assert.deepEqual(keysOf(sent), keys);
    });

  test('come whole from pieces, wherever a slow line cuts them', () => {
    const text = 'j\u001b[A\u001b[1;5B\u001bOC\u001b[200~pasted\u001b[201~\u001b[6~G';

    for (let at = 0; at <= text.length; at++) {
      const first = readKeys(text.slice(0, at));
      // A lone ESC waits as well: only time tells that nothing follows.
      const second = readKeys(first.rest + text.slice(at));

      assert.deepEqual([...first.inputs, ...second.inputs], readKeys(text).inputs, `cut at ${at}`);
      assert.equal(second.rest, '');
    }
  });

  test('a lone ESC is kept until more comes', () => {
    assert.deepEqual(readKeys('x\u001b'), { inputs: [{ kind: 'key', key: 'x' }], rest: '\u001b' });
  });
});
