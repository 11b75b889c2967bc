/** What signals mean for a worker. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exitCodeOf, phaseAfter } from '../../../src/worker/shutdown.ts';

test('the first SIGTERM or SIGINT drains, the second stops, SIGQUIT stops at once', () => {
  assert.equal(phaseAfter('running', 'SIGTERM'), 'draining');
  assert.equal(phaseAfter('running', 'SIGINT'), 'draining');
  assert.equal(phaseAfter('draining', 'SIGTERM'), 'stopping');
  assert.equal(phaseAfter('running', 'SIGQUIT'), 'stopping');
});

test('an orderly end is 0; a forced one is 128 and the number of the signal', () => {
  assert.equal(exitCodeOf('draining', 'SIGTERM'), 0);
  assert.equal(exitCodeOf('stopping', 'SIGINT'), 130);
  assert.equal(exitCodeOf('stopping', 'SIGQUIT'), 131);
  assert.equal(exitCodeOf('stopping', 'SIGTERM'), 143);
  assert.equal(exitCodeOf('stopping', null), 0);
});
