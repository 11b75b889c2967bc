/** A desk that is opened when it is first asked for something, and again where that failed; until it is closed. */
import { FsqError } from '../job/errors.ts';
import { reasonOf } from '../job/values/realm.ts';
import { CLOSED_TEXT, type Desk } from './desk.ts';

/** So often one that cannot be opened is tried again for those who listen, ms. */
const AGAIN_MS = 2_000;

export function lateDesk(open: () => Promise<Desk>): Desk {
  let opened: Promise<Desk> | null = null;
  let isClosed = false;
  const desk = async (): Promise<Desk> => {
    if (isClosed) throw new FsqError('FSQ_USAGE', CLOSED_TEXT);
    opened ??= open().catch((error: unknown) => {
      opened = null;
      throw error;
    });
    return opened;
  };
  return {
    summary: async () => {
      try {
        return await (await desk()).summary();
      } catch (error) {
        const { troubledSummary } = await import('./desk/overview/summary-of.ts');
        return troubledSummary(reasonOf(error), Date.now());
      }
    },
    jobs: async (query, before) => (await desk()).jobs(query, before),
    count: async (query) => (await desk()).count(query),
    job: async (id) => (await desk()).job(id),
    log: async (id, position) => (await desk()).log(id, position),
    failures: async (query) => (await desk()).failures(query),
    schedules: async () => (await desk()).schedules(),
    store: async () => (await desk()).store(),
    act: async (act) => (await desk()).act(act),
    listen: (hear) => listenLate(desk, hear),
    close: async () => {
      isClosed = true;
      await (await opened?.catch(() => null))?.close();
    },
  };
}

function listenLate(desk: () => Promise<Desk>, hear: (what: 'summary' | 'jobs') => void): () => void {
  let stop: (() => void) | null = null;
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const begin = async (): Promise<void> => {
    try {
      const opened = await desk();
      if (!isOver) stop = opened.listen(hear);
    } catch {
      // The summary says why.
      if (!isOver) timer = setTimeout(() => void begin(), AGAIN_MS).unref();
      hear('summary');
    }
  };
  void begin();
  return () => {
    isOver = true;
    clearTimeout(timer);
    stop?.();
  };
}
