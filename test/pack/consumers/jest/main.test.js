const { expect, test } = require('@jest/globals');
const { TimeoutError } = require('fsq');
const { add } = require('./tasks');

test('a worker runs a job that was sent from Jest', async () => {
  const late = await add.applyAsync([1, 2], { countdown: '1h' });
  await expect(late.get(0)).rejects.toThrow(TimeoutError);

  const result = await add.delay(1, 2);
  process.stdout.write(`${await result.get('20s')}\n`);
}, 30_000);
