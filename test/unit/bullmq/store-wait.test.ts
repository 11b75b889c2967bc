import assert from 'node:assert/strict';
import test from 'node:test';
import { isOfReplica, isPassing } from '../../../src/bullmq/store-wait.ts';

const SCRIPT = 'ERR Error running script (call to f_6c4c6de2bece2ad87657691d945d902df2198f5e): ';
const PASSING = [
  'LOADING Redis is loading the dataset in memory',
  "READONLY You can't write against a read only replica.",
  "OOM command not allowed when used memory > 'maxmemory'.",
  'MISCONF Redis is configured to save RDB snapshots, but it is currently not able to persist on disk.',
  'NOREPLICAS Not enough good replicas to write.',
  'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.',
  "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
];
const LASTING = [
  'NOAUTH Authentication required.',
  'WRONGTYPE Operation against a key holding the wrong kind of value',
  'ERR unknown command `EVAL`',
  `${SCRIPT}@user_script:3: @user_script: 3: Wrong number of args calling Redis command From Lua script `,
  `${SCRIPT}@user_script:3: @user_script: 3: attempt to index a nil value. OOM`,
];

test('Redis says in the first word of an error that it passes', () => {
  for (const message of PASSING) assert.equal(isPassing(new Error(message)), true, message);
  for (const message of LASTING) assert.equal(isPassing(new Error(message)), false, message);
});

test('Redis 6.2 says the same of a script behind what names the script', () => {
  for (const text of PASSING.slice(1, 4)) {
    const message = `${SCRIPT}@user_script:215: @user_script: 215: -${text}   `;
    assert.equal(isPassing(new Error(message)), true, message);
  }
});

test('a replica tells that it is one, also in a script', () => {
  for (const text of [PASSING[1], `${SCRIPT}@user_script:215: @user_script: 215: -${PASSING[1]}   `])
    assert.equal(isOfReplica(new Error(text)), true, text);
  assert.equal(isOfReplica(new Error(PASSING[2])), false);
});
