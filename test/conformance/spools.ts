/** The conformance suite for spools. */
import type { TestContext } from 'node:test';
import { join } from 'node:path';
import { openSpool, type SpoolOptions } from '../../src/spool/spool.ts';
import { tempDir } from '../support/temp.ts';
import { testBroker } from './broker.ts';

const places = new WeakMap<TestContext, string>();

/** Registers the suite for a spool that is opened with these settings. @param way how it is, for the name */
export function testSpool(way: string, settings: Omit<SpoolOptions, 'path'>): void {
  testBroker(`the spool ${way}`, async (t, options) => {
    const path = places.get(t) ?? join(tempDir(t), 'spool');
    places.set(t, path);
    const broker = openSpool({ path, ...settings, ...options });
    t.after(() => broker.close());
    return broker;
  });
}
