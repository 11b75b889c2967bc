/** What a run was made on, and with which command: a figure without them says nothing. */
import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem, type } from 'node:os';
import { CHECKOUT, fileSystemOf } from './places.mjs';

/**
 * @param {string} root where the spools lie
 * @param {readonly string[]} args of the bench
 */
export function describeRun(root, args) {
  const processors = cpus();
  return {
    command: ['npm run bench --', ...args].join(' ').replace(/ --$/, ''),
    date: new Date().toISOString().slice(0, 16).replace('T', ' '),
    cores: processors.length,
    cpu: processors[0]?.model.trim() ?? '?',
    memoryGb: Math.round(totalmem() / 2 ** 30),
    fileSystem: fileSystemOf(root),
    system: `${type()} ${release()}`,
    node: process.version,
    commit: commit(),
  };
}

/** @typedef {ReturnType<typeof describeRun>} Run */

function commit() {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      cwd: CHECKOUT,
      encoding: 'utf8',
      stdio: 'pipe',
    }).trim();
  } catch {
    return '?'; // No git, or not a checkout.
  }
}
