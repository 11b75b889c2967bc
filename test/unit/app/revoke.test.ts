import assert from 'node:assert/strict';
import test from 'node:test';
import { createApp, RevokedError, UnknownJobError, UsageError } from '../../../src/index.ts';
import { tempSpool } from '../../support/temp.ts';

test('a group is revoked at once; what it gives is in the order of the jobs', async (t) => {
  const app = createApp({ spool: tempSpool(t).path });
  t.after(() => app.close());
  const echo = app.task('revoke-group', async (n: number) => n);
  const group = await echo.delayMany([[1], [2], [3]]);

  const found = await group.revoke();

  assert.deepEqual(found, ['revoked', 'revoked', 'revoked']);
  await assert.rejects(group.get(0), RevokedError);
});

test('an unknown id, and what is no option, are refused', async (t) => {
  const app = createApp({ spool: tempSpool(t).path });
  t.after(() => app.close());
  const echo = app.task('revoke-unknown', async () => 1);
  const sent = await echo.delay();

  await assert.rejects(app.result('0199f3c2-8d1e-7b3a-9c4d-5e6f708192a3').revoke(), UnknownJobError);
  for (const options of [{ terminate: 1 }, { kill: true }, null, 'terminate'])
    await assert.rejects(sent.revoke(options as never), UsageError);
  assert.equal(await sent.state(), 'pending');
});

test('what ran eagerly has ended', async (t) => {
  const app = createApp({ spool: tempSpool(t).path, alwaysEager: true });
  t.after(() => app.close());
  const echo = app.task('revoke-eager', async () => 1);

  assert.equal(await (await echo.delay()).revoke(), 'ended');
});
