/** The replay that is due when the machine has come back, as one open spool waits for it and tells of it. */
import type { Restoring } from '../../broker/broker.ts';
import type { BrokerEvent } from '../../broker/worker-side.ts';
import type { SpoolContext } from '../disk/context.ts';
import { hasCode } from '../disk/files.ts';
import { listIfReadable } from '../disk/if-there.ts';
import { foreignFolders, replay, replayerOf } from './replay.ts';

/** Who is told of a replay. */
export interface Hearer {
  readonly onEvent?: ((event: BrokerEvent) => void) | undefined;
  /** So long may it take without a word. */
  readonly silentMs: number;
}

/** How long a replay may hold up a program without a word, ms. */
const SILENT_MS = 3_000;

export class Replay {
  readonly #context: SpoolContext;
  readonly #hearer: Hearer;
  readonly #looksAtOnce: boolean;
  #isDue: boolean;
  #underWay: Promise<void> | null = null;

  /** @param looksAtOnce looks wait for no replay, and begin none */
  constructor(context: SpoolContext, { onEvent, looksAtOnce }: Pick<Hearer, 'onEvent'> & { looksAtOnce: boolean }) {
    this.#context = context;
    this.#hearer = { onEvent, silentMs: SILENT_MS };
    this.#looksAtOnce = looksAtOnce;
    this.#isDue = mayBeDue(context);
  }

  /** False, nearly always: nothing is to be waited for. */
  get isDue(): boolean {
    return this.#isDue;
  }

  /**
   * Replays, or waits for the process that does.
   *
   * @param hearer of several calls at a time, that of the first is told
   * @param giveUp aborted: this call waits no longer; a replay of ours goes on
   * @returns false when it was given up
   * @throws as `replay`
   */
  ended(hearer: Hearer = this.#hearer, giveUp: AbortSignal | null = null): Promise<boolean> {
    this.#underWay ??= toldReplay(this.#context, hearer)
      .then(() => void (this.#isDue = false))
      .finally(() => (this.#underWay = null));
    return isBefore(this.#underWay, giveUp);
  }

  /** For a look: whoever may only read, or is not the spool's user, sees what there is. */
  async endedWhereAllowed(giveUp: AbortSignal | null = null): Promise<boolean> {
    const { files, layout } = this.#context;
    if (this.#looksAtOnce || files.entry(layout.root)?.uid !== (process.getuid?.() ?? 0)) return true;
    try {
      return await this.ended(this.#hearer, giveUp);
    } catch (error) {
      if (!hasCode(error, 'EACCES', 'EPERM', 'EROFS')) throw error;
      return true;
    }
  }
}

/** Longer than any wait, ms. */
const HOLD_MS = 2 ** 31 - 1;

/** True when `end` comes before `giveUp` aborts. The process lives until then. */
function isBefore(end: Promise<void>, giveUp: AbortSignal | null): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const hold = setInterval(() => undefined, HOLD_MS);
    const conclude = (isOver: boolean): void => {
      clearInterval(hold);
      giveUp?.removeEventListener('abort', onAbort);
      resolve(isOver);
    };
    const onAbort = (): void => conclude(false);
    giveUp?.addEventListener('abort', onAbort);
    if (giveUp?.aborted === true) onAbort();
    end.then(
      () => conclude(true),
      (error: unknown) => {
        reject(error);
        conclude(false);
      },
    );
  });
}

/** What cannot be looked at now is told by the first call that has to wait for it. */
function mayBeDue(context: SpoolContext): boolean {
  try {
    return foreignFolders(context).folders.length > 0;
  } catch {
    return true;
  }
}

async function toldReplay(context: SpoolContext, { onEvent, silentMs }: Hearer): Promise<void> {
  const isAnothers = (restoringIn(context)?.pid ?? null) !== null;
  const tell = (): void => {
    const restoring = restoringIn(context);
    if (restoring !== null) onEvent?.({ kind: 'replaying', segments: restoring.segments, pid: restoring.pid });
  };
  const timer = setTimeout(tell, silentMs).unref();
  try {
    const done = await replay(context, false);
    const hasDone = done.restored + done.dropped + done.odd.length > 0;
    if (hasDone || !isAnothers) onEvent?.({ kind: 'replayed', ...done });
  } finally {
    clearTimeout(timer);
  }
}

/** The replay that is due or under way; null, nearly always. A look, which waits for nothing. @throws the system error */
export function restoringIn(context: SpoolContext): Restoring | null {
  const { files, layout } = context;
  const { folders } = foreignFolders(context);
  if (folders.length === 0) return null;
  const segments = folders.flatMap((name) => listIfReadable(files, `${layout.journal}/${name}`)).length;
  for (const name of folders) {
    const pid = replayerOf(files, name);
    const entry = pid === null ? null : files.entry(`${layout.journal}/${name}`);
    // A folder is taken by a rename, which its ctime tells.
    if (entry !== null) return { segments, pid, sinceMs: Math.round(entry.changedAtMs) };
  }
  return { segments, pid: null, sinceMs: null };
}
