/** A desk that knows little, for the tests of those who ask one. */
import type { Desk } from '../../src/ui/desk.ts';
import type { Act, Summary } from '../../src/ui/wire.ts';

const NOTHING = { slotMs: 1, fromMs: 0, ended: [], failed: [], wait: null, run: null };
const SUMMARY: Summary = {
  atMs: 1,
  trouble: null,
  verdict: { status: 'ok', text: 'OK', failures: null },
  advice: [],
  counts: { pending: 0, delayed: 0, parked: 0, running: 0, succeeded: 0, failed: 0, revoked: 0, expired: 0 },
  minutes: NOTHING,
  day: NOTHING,
  queues: [],
  workers: [],
  index: { read: 0, isComplete: true },
};

export class FakeDesk implements Desk {
  readonly acts: Act[] = [];
  readonly listeners = new Set<(what: 'summary' | 'jobs') => void>();
  fails: Error | null = null;
  summary = async (): Promise<Summary> => SUMMARY;
  jobs: Desk['jobs'] = async () => {
    if (this.fails !== null) throw this.fails;
    return { jobs: [], next: null, total: 0, states: null, isComplete: true, search: null };
  };
  count: Desk['count'] = async () => ({ count: 0 });
  job: Desk['job'] = async () => null;
  log: Desk['log'] = async (_id, position) => ({ lines: [], position });
  failures: Desk['failures'] = async () => ({ groups: [], leftOut: 0, isComplete: true });
  schedules: Desk['schedules'] = async () => [];
  store: Desk['store'] = async () => ({ place: '/spool', parts: [], room: null });
  act: Desk['act'] = async (act) => {
    this.acts.push(act);
    return { text: '1 job sent back', isGood: true, code: null };
  };
  listen: Desk['listen'] = (hear) => {
    this.listeners.add(hear);
    return () => void this.listeners.delete(hear);
  };
  close = async (): Promise<void> => undefined;
}
