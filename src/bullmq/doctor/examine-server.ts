/** `fsq doctor` of a broker beyond this machine: opens it, asks it for its facts, and judges them. */
import { shownAddress } from '../../broker/broker-address.ts';
import type { ServerReport } from '../../broker/beyond/server-report.ts';
import { UsageError } from '../../job/errors.ts';
import { reasonOf } from '../../job/values/realm.ts';
import { openEngine } from '../open-engine.ts';
import type { BullOptions } from '../engine.ts';
import { unfinishedMove } from '../moving/bull-note.ts';
import { factRows, findingsOf } from './server-findings.ts';

/** @throws UsageError (FSQ_PEER) where the packages are missing */
export async function examineServer(options: BullOptions): Promise<ServerReport> {
  const broker = shownAddress(options.address);
  try {
    const engine = await openEngine(options);
    const release = engine.use();
    engine.awake.begin(); // Until the release.
    try {
      const facts = await engine.serverFacts();
      const move = await unfinishedMove(engine);
      return { broker, facts: factRows(facts), findings: findingsOf(facts, engine.lockMs, move) };
    } finally {
      await release();
    }
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const message = `The server cannot be used: ${reasonOf(error)}`;
    const advice = 'Look whether it runs, whether this machine may reach it, and whether user and password are right.';
    const finding = { code: 'unreachable', severity: 'error', message, advice, isUnusable: true } as const;
    return { broker, facts: [], findings: [finding] };
  }
}
