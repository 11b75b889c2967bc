/** The strongest source that names a place decides it, and what is not used is told. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe, type TestContext } from 'node:test';
import type { Config } from '../../../../src/app/settings/config.ts';
import {
  brokerOptions,
  namedPlace,
  placeText,
  placeVariables,
  withLogin,
  withoutLogin,
} from '../../../../src/app/settings/place.ts';
import { resolveSettings } from '../../../../src/app/settings/sources.ts';
import { tempDir } from '../../../support/temp-dir.ts';

const A = 'bullmq+redis://u:secret@a';
const B = 'bullmq+redis://u:secret@b';

describe('of two places', () => {
  const cases: readonly [
    what: string,
    config: Config,
    env: NodeJS.ProcessEnv,
    file: Config,
    place: string,
    notices: RegExp[],
  ][] = [
    ['the broker of the file', {}, {}, { broker: A }, 'bullmq+redis://a:6379/0', []],
    ['the variable is stronger than the file', {}, { FSQ_BROKER: B }, { broker: A }, 'bullmq+redis://b:6379/0', []],
    [
      'a broker is stronger than the spool of a weaker source',
      {},
      { FSQ_BROKER: A },
      { spool: '/x' },
      'bullmq+redis://a:6379/0',
      [],
    ],
    ['a spool of the caller is meant', { spool: '/x' }, { FSQ_BROKER: A }, { broker: B }, '/x', []],
    [
      'a spool of the environment is meant, which is told',
      {},
      { FSQ_SPOOL: '/x' },
      { broker: B },
      '/x',
      [/^`broker` in .*fsq\.config\.json is not used: FSQ_SPOOL is stronger, and names a spool\.$/],
    ],
    [
      'of both in the environment it is the broker, which is told',
      {},
      { FSQ_SPOOL: '/x', FSQ_BROKER: A },
      {},
      'bullmq+redis://a:6379/0',
      [/^FSQ_SPOOL is not used: FSQ_BROKER says who keeps the jobs\.$/],
    ],
    [
      'of both in the file too',
      {},
      {},
      { spool: '/x', broker: A },
      'bullmq+redis://a:6379/0',
      [/^`spool` in .*fsq\.config\.json is not used: `broker` in .* says who keeps the jobs\.$/],
    ],
    [
      'of both of an app too',
      { spool: '/x', broker: A },
      {},
      {},
      'bullmq+redis://a:6379/0',
      [/^`spool` is not used: `broker` says/],
    ],
    ['an empty variable names none', {}, { FSQ_BROKER: '' }, { spool: '/x' }, '/x', []],
  ];
  for (const [what, config, env, file, place, notices] of cases) {
    test(what, async (t) => {
      const settings = await resolveSettings(config, project(t, file), env);

      assert.equal(placeText(settings), place);
      assert.equal(settings.notices.length, notices.length, settings.notices.join());
      for (const [i, notice] of notices.entries()) assert.match(settings.notices[i] ?? '', notice);
      assert.doesNotMatch(settings.notices.join(), /secret/);
    });
  }
});

test('what only a spool heeds is told beside a broker, where it asks for something', async (t) => {
  const cwd = project(t, { fsync: false, allowUnsafe: false });

  const { notices } = await resolveSettings({ allowNetworkFs: true }, cwd, { FSQ_BROKER: A });

  assert.equal(notices.length, 2);
  assert.match(
    notices[0] ?? '',
    /^`fsync` in .* does nothing: it is for a spool, and the jobs are kept by bullmq\+redis:\/\/a:6379\/0\.$/,
  );
  assert.match(notices[1] ?? '', /^`allowNetworkFs` does nothing/);
  assert.deepEqual((await resolveSettings({ allowNetworkFs: true }, cwd, {})).notices, []);
});

test('a broker can be used where the current folder has been removed', async () => {
  const settings = await resolveSettings({}, '/there/is/no/such', { FSQ_BROKER: A });

  assert.equal(placeText(settings), 'bullmq+redis://a:6379/0');
});

test('variables make another program use the same place, and no other', async (t) => {
  const cwd = project(t, { spool: '/other' });
  const atBroker = await resolveSettings({}, cwd, { FSQ_BROKER: A });
  const inSpool = await resolveSettings({ spool: '/x' }, cwd, { FSQ_BROKER: A });

  const [there, here] = [placeVariables(atBroker), placeVariables(inSpool)];

  assert.deepEqual(there, { FSQ_SPOOL: undefined, FSQ_BROKER: 'bullmq+redis://u:secret@a:6379/0' });
  assert.deepEqual(here, { FSQ_SPOOL: '/x', FSQ_BROKER: undefined });
  assert.deepEqual((await resolveSettings({}, cwd, there)).broker, atBroker.broker);
  assert.equal((await resolveSettings({}, cwd, here)).spool, '/x');
});

test('options travel as arguments without user and password, and are whole again', async (t) => {
  const settings = await resolveSettings({ resultTtl: '1h' }, project(t, {}), { FSQ_BROKER: A });
  const options = brokerOptions(settings);

  const carried = JSON.stringify(withoutLogin(options));

  assert.doesNotMatch(carried, /secret|"u"/);
  assert.deepEqual(withLogin(JSON.parse(carried), placeVariables(settings)), options);
  const ofSpool = brokerOptions({ ...settings, broker: null });
  assert.deepEqual(withLogin(withoutLogin(ofSpool), {}), ofSpool);
});

test('an app names its place by its own options only', () => {
  const cwd = (): string => '/here';

  assert.equal(namedPlace({}, cwd), undefined);
  assert.equal(namedPlace({ spool: 'x' }, cwd), '/here/x');
  assert.equal(namedPlace({ spool: 'x', broker: A }, cwd), 'bullmq+redis://a:6379/0');
  assert.equal(namedPlace({ broker: 'redis://a' }, cwd), undefined);
});

/** A folder with this configuration. */
function project(t: TestContext, config: Config): string {
  const root = tempDir(t);
  writeFileSync(join(root, 'package.json'), '{}');
  writeFileSync(join(root, 'fsq.config.json'), JSON.stringify(config));
  return root;
}
