/**
 * How soon the event loops of other processes turn. The kernel accepts a connection also for a process that is stopped, or computes without a
 * pause; the process closes it by itself, in a turn of its event loop (liveness.ts). So whoever looks can measure it, and those who are looked at
 * do nothing that they would not do for any look.
 */
import type { Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { Pulse } from '../../broker/common/owner-info.ts';

/** So many questions are out at a time: each takes a descriptor until it is answered. */
const MOST_OUT = 64;

interface Question {
  /** By performance.now(). */
  readonly at: number;
  /** Resolves with the answer, or when none can come any more. */
  readonly end: Promise<void>;
  /** Null: there was no answer yet. */
  delayMs: number | null;
  /** It was not waited for yet. */
  isNew: boolean;
}

export class Pulses {
  /** By owner, of each one at a time: that which is out, or was answered since the last look. */
  readonly #questions = new Map<string, Question>();

  /** Takes over a connection to this owner that was just made. False: it is not needed. */
  ask(owner: string, socket: Socket): boolean {
    if (this.#questions.has(owner) || this.#questions.size >= MOST_OUT) return false;
    const at = performance.now();
    const workedMs = ownWorkMs();
    const end = new Promise<void>((resolve) => {
      socket.once('close', (hasFailed) => {
        // The process has ended: that is no answer. And the time in which this process worked is no delay of the other.
        if (hasFailed) this.#questions.delete(owner);
        else question.delayMs = Math.max(0, performance.now() - at - (ownWorkMs() - workedMs));
        resolve();
      });
    });
    const question: Question = { at, end, delayMs: null, isNew: true };
    this.#questions.set(owner, question);
    socket.setTimeout(0).unref().resume();
    return true;
  }

  /** Resolves when all that were asked anew have answered, or after so many ms. */
  async answers(patienceMs: number): Promise<void> {
    const asked = [...this.#questions.values()].filter(({ isNew }) => isNew);
    if (asked.length === 0) return;
    const enough = new AbortController();
    const patience = wait(patienceMs, undefined, { signal: enough.signal }).catch(() => undefined);
    await Promise.race([Promise.all(asked.map(({ end }) => end)), patience]);
    enough.abort();
    for (const question of asked) question.isNew = false;
  }

  /** What is known of this owner now; null: nothing. An answer is told once: the next look asks anew. */
  take(owner: string): Pulse | null {
    const question = this.#questions.get(owner);
    if (question === undefined) return null;
    const { delayMs, at } = question;
    if (delayMs === null) return { delayMs: performance.now() - at, isBlocked: true };
    this.#questions.delete(owner);
    return { delayMs, isBlocked: false };
  }
}

function ownWorkMs(): number {
  return performance.eventLoopUtilization().active;
}
