import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { painter, stateColour, wantsColours } from '../../../../src/cli/terminal/colour.ts';

describe('colours are wanted', () => {
  for (const [isTerminal, env, wants] of [
    [true, {}, true],
    [false, {}, false],
    [true, { NO_COLOR: '1' }, false],
    [true, { NO_COLOR: '0' }, false],
    [true, { NO_COLOR: '' }, true],
    [true, { TERM: 'dumb' }, false],
    [true, { TERM: 'xterm' }, true],
    [false, { FORCE_COLOR: '1' }, true],
    [false, { FORCE_COLOR: '2', NO_COLOR: '1' }, true],
    [false, { FORCE_COLOR: '3', TERM: 'dumb' }, true],
    [false, { FORCE_COLOR: 'true' }, true],
    [true, { FORCE_COLOR: '0' }, false],
    [true, { FORCE_COLOR: 'false' }, false],
    [false, { FORCE_COLOR: '' }, false],
  ] as const)
    test(`${isTerminal ? 'on' : 'off'} a terminal with ${JSON.stringify(env)}: ${wants}`, () =>
      assert.equal(wantsColours(isTerminal, env), wants));
});

test('paint surrounds a text, unless it has no colour, is empty, or nobody wants it', () => {
  const paint = painter(true);

  assert.equal(paint('red', 'x'), '\u001b[31mx\u001b[0m');
  assert.equal(paint(stateColour('pending'), 'x'), 'x');
  assert.equal(paint('red', ''), '');
  assert.equal(painter(false)('red', 'x'), 'x');
});
