import type { TestContext } from 'node:test';
import { join } from 'node:path';
import { openSpool } from '../../src/spool/spool.ts';
import { tempDir } from '../support/temp.ts';
import { testBroker } from './broker.ts';

const places = new WeakMap<TestContext, string>();

for (const fsync of [true, false]) {
  testBroker(`the spool ${fsync ? 'with' : 'without'} fsync`, async (t, options) => {
    const path = places.get(t) ?? join(tempDir(t), 'spool');
    places.set(t, path);
    const broker = openSpool({ path, fsync, ...options });
    t.after(() => broker.close());
    return broker;
  });
}
