/** What all peers of the bench share, with a peer of files: figures come only when every job was done, and done right. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { REPOSITORY } from '../support/project.ts';
import { tempDir } from '../support/temp-dir.ts';
import { isSane, runPeer } from './run-peer.ts';

const PEER = join(REPOSITORY, 'test/bench/fixtures/folder-peer.mjs');
const FEW = { jobs: 20, warmUpJobs: 20, warmUpCalls: 5 };
const SCENARIOS = ['process', 'enqueue', 'end-to-end', 'round-trip'];

for (const scenario of SCENARIOS) {
  test(`${scenario} gives figures of a peer that does its work`, { timeout: 60_000 }, async (t) => {
    const run = await runPeer(PEER, { ...FEW, scenario, mode: 'parallel', processes: 2, dir: tempDir(t) });

    assert.ok(run.code === 0 && isSane(run.line, scenario), JSON.stringify(run));
  });
}

const FAULTS = [
  { fault: 'value', scenario: 'process', says: /1 jobs of bench-\d+ had a wrong value/ },
  { fault: 'value', scenario: 'round-trip', says: /Expected 1 value, got -1/ },
  { fault: 'twice', scenario: 'process', says: /Expected 210 sum of the values, got 209/ },
  { fault: 'forgets', scenario: 'process', says: /Expected 20 jobs that are done, got 19/ },
  { fault: 'forgets', scenario: 'enqueue', says: /Expected 20 jobs that wait, got 19/ },
  { fault: 'dies', scenario: 'end-to-end', says: /A worker of the peer ended with 7/ },
];
for (const { fault, scenario, says } of FAULTS) {
  test(`${scenario} gives no figures of a peer with the fault "${fault}"`, { timeout: 60_000 }, async (t) => {
    const run = await runPeer(PEER, { ...FEW, scenario, mode: 'one', fault, dir: tempDir(t) });

    assert.equal(run.code, 1);
    assert.equal(run.line, null);
    assert.match(run.stderr, says);
  });
}
