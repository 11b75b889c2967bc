import assert from 'node:assert/strict';
import test from 'node:test';
import { commandsFor, placeOption, textAt } from '../../../../../src/ui/desk/job/job-commands.ts';

const ID = '0199f3c2-8d1e-7000-8d20-0102030405aa';

test('every command of the page names its spool, as a shell reads it; a server, which may have a password, it does not', () => {
  for (const [place, option] of [
    ['/srv/shop/spool', ' --spool /srv/shop/spool'],
    ["/srv/it's here", String.raw` --spool '/srv/it'\''s here'`],
    ['bullmq+redis://localhost:6379', ''],
    ['bullmq+postgres://db.example.com/shop', ''],
  ] as const) {
    assert.equal(placeOption(place), option);
    assert.equal(textAt(place, 'Paused: `fsq resume mail`.'), `Paused: \`fsq resume mail${option}\`.`);
    assert.deepEqual(
      commandsFor(ID, ['forget'], place, null).filter(({ command }) => !command.endsWith(`${ID}${option}`)),
      [],
    );
  }
});
