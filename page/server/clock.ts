/**
 * The time as the server has it, and one timer for all ages on the page. Each second it wakes those that show one, and each draws itself only
 * when its words have changed; while the tab is hidden, the timer rests.
 */
import { useEffect, useRef, useState } from 'preact/hooks';

/** A clock that is this near is taken as the same. */
const NEAR_MS = 2_000;

let aheadMs = 0;
let timer: number | null = null;
const sleepers = new Set<() => void>();

export function now(): number {
  return Date.now() + aheadMs;
}

/** @param atMs the server's time, of an answer that has just come */
export function setClock(atMs: number): void {
  const ahead = atMs - Date.now();
  aheadMs = Math.abs(ahead) < NEAR_MS ? 0 : ahead;
}

/** What `words` says now, each second anew. */
export function useTicking(words: (nowMs: number) => string): string {
  const [, wake] = useState('');
  const latest = useRef(words);
  latest.current = words;
  useEffect(() => {
    const tick = (): void => wake(latest.current(now()));
    sleepers.add(tick);
    startOrStop();
    return () => {
      sleepers.delete(tick);
      startOrStop();
    };
  }, []);
  return words(now());
}

function startOrStop(): void {
  const isWanted = sleepers.size > 0 && !document.hidden;
  if (isWanted && timer === null) timer = setInterval(() => sleepers.forEach((tick) => tick()), 1_000);
  if (!isWanted && timer !== null) {
    clearInterval(timer);
    timer = null;
  }
}

document.addEventListener('visibilitychange', startOrStop);
