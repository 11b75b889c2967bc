/** What a dead process held: its jobs are known by the tokens of their locks, and are settled under these, as it would have had to. */
import type { Death, EndedRun } from '../../broker/worker-side.ts';
import type { Attempt } from '../../job/job.ts';
import { FencedError } from '../../job/errors.ts';
import { type Ending, settlementOf } from '../../job/lifecycle.ts';
import type { Engine } from '../engine.ts';
import { open } from '../claims/taking.ts';
import { settle } from '../claims/settle-held.ts';
import { isRevoked } from '../jobs/revoking.ts';
import type { RawJob } from '../store.ts';
import { tokensOf } from '../jobs/tokens.ts';

/**
 * Settles all that `owner` held, which has surely ended.
 *
 * @param ending how its jobs have ended, `run` aside
 * @returns whether it held any
 * @throws the datastore's error: call again
 */
export async function recover(engine: Engine, owner: string, ending: Death, run?: EndedRun): Promise<boolean> {
  const held = await engine.store.held(await engine.queues.all(), [tokensOf(owner)]);
  for (const { queue, id, token } of held) {
    const [raw = null] = await engine.store.look([id], [queue]);
    if (raw?.token === token) await recoverOne(engine, raw, owner, run?.id === id ? run : null, ending);
  }
  return held.length > 0;
}

async function recoverOne(
  engine: Engine,
  raw: RawJob,
  owner: string,
  run: EndedRun | null,
  death: Death,
): Promise<void> {
  const { held, verdict } = open(engine, raw, owner);
  const nowMs = engine.nowMs();
  try {
    // It had ended, and was about to be moved.
    if (verdict !== null) return await settle(engine, held, verdict.settlement, verdict.attempt);
    const { job: sent, attempts, kept } = held.record;
    const job = run === null ? sent : { ...sent, options: { ...run.defaults, ...sent.options } };
    const ending: Ending = (await isRevoked(engine, raw.id))
      ? { kind: 'revoked', hadBegun: true }
      : (run?.ending ?? { kind: death });
    const settlement = settlementOf(
      ending,
      { job, standing: held.standing, attempts, again: kept.again ?? 0 },
      nowMs,
      Math.random(),
    );
    const startedAtMs = run?.startedAtMs ?? raw.processedOn ?? undefined;
    const attempt = attemptOf(held.standing.attempt, settlement, {
      ...(startedAtMs === undefined ? {} : { startedAtMs }),
      endedAtMs: nowMs,
      owner,
    });
    await settle(engine, held, settlement, attempt);
    const ranMs = startedAtMs === undefined ? null : Math.max(0, nowMs - startedAtMs);
    engine.onEvent({
      kind: 'recovered',
      job,
      standing: held.standing,
      owner,
      ending: ending.kind,
      settlement,
      ranMs,
    });
  } catch (error) {
    // Its lock has run out meanwhile: whoever claims the job next does this.
    if (!(error instanceof FencedError)) throw error;
  }
}

/** The entry for the run that the death ended. */
function attemptOf(
  attempt: number,
  settlement: ReturnType<typeof settlementOf>,
  times: Pick<Attempt, 'startedAtMs' | 'endedAtMs' | 'owner'>,
): Attempt | null {
  if (settlement.kind === 'rerun') {
    const { error, uncounted } = settlement;
    return { attempt, ...times, error, ...(uncounted === undefined ? {} : { uncounted }) };
  }
  if (settlement.kind === 'publish' && settlement.outcome.state !== 'succeeded')
    return { attempt, ...times, error: settlement.outcome.error };
  return settlement.kind === 'requeue' ? null : { attempt, ...times };
}
