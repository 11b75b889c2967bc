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

test('SIGHUP drains, and the one that follows it when a terminal is closed changes nothing', () => {
  assert.equal(phaseAfter('running', 'SIGHUP'), 'draining');
  assert.equal(phaseAfter('draining', 'SIGHUP'), 'draining');
  assert.equal(phaseAfter('stopping', 'SIGHUP'), 'stopping');
});

test('a job that failed makes an orderly end 1, and a forced one what it is', () => {
  assert.equal(exitCodeOf('draining', null, true), 1);
  assert.equal(exitCodeOf('draining', 'SIGTERM', true), 1);
  assert.equal(exitCodeOf('stopping', 'SIGTERM', true), 143);
});

test('an orderly end is 0; a forced one is 128 and the number of the signal', () => {
  assert.equal(exitCodeOf('draining', 'SIGTERM', false), 0);
  assert.equal(exitCodeOf('stopping', 'SIGINT', false), 130);
  assert.equal(exitCodeOf('stopping', 'SIGQUIT', false), 131);
  assert.equal(exitCodeOf('stopping', 'SIGTERM', false), 143);
  assert.equal(exitCodeOf('stopping', null, false), 0);
});
