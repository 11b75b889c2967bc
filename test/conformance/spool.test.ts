import type { TestContext } from 'node:test';
import { join } from 'node:path';
import { nodeFiles } from '../../src/spool/disk/files.ts';
import { openSpool, type SpoolOptions } from '../../src/spool/spool.ts';
import { ofNoBoot } from '../support/boots.ts';
import { tempDir } from '../support/temp.ts';
import { testBroker } from './broker.ts';

const places = new WeakMap<TestContext, string>();

const WAYS: Readonly<Record<string, Omit<SpoolOptions, 'path'>>> = {
  'with fsync': {},
  'without fsync': { fsync: false },
  'with fsync of each file, where the file system cannot be synced': {
    files: { ...nodeFiles, syncFileSystem: async () => false },
  },
  'with fsync, where there is no journal': { files: ofNoBoot(nodeFiles) },
};

for (const [way, settings] of Object.entries(WAYS)) {
  testBroker(`the spool ${way}`, async (t, options) => {
    const path = places.get(t) ?? join(tempDir(t), 'spool');
    places.set(t, path);
    const broker = openSpool({ path, ...settings, ...options });
    t.after(() => broker.close());
    return broker;
  });
}
