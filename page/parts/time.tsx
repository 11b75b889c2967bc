/** Instants and durations that go on by themselves. */
import type { JSX } from 'preact';
import { age, duration, exactInstant, instant, oneUnit } from '../plain/format.ts';
import { now, useTicking } from '../server/clock.ts';

/** `4 min ago`, with the instant itself in its title. */
export function Age({ atMs }: { readonly atMs: number | null }): JSX.Element {
  return atMs === null ? <Nothing /> : <LivingAge atMs={atMs} />;
}

function LivingAge({ atMs }: { readonly atMs: number }): JSX.Element {
  const text = useTicking((nowMs) => age(atMs, nowMs));
  return (
    <time dateTime={exactInstant(atMs)} title={`${instant(atMs, now())} here, ${exactInstant(atMs)}`}>
      {text}
    </time>
  );
}

/** `14:03:22`, with its age in its title. */
export function Instant({ atMs }: { readonly atMs: number | null }): JSX.Element {
  if (atMs === null) return <Nothing />;
  return (
    <time dateTime={exactInstant(atMs)} title={`${age(atMs, now())}, ${exactInstant(atMs)}`}>
      {instant(atMs, now())}
    </time>
  );
}

/** How long something has gone on that goes on. */
export function Since({ atMs, isRough = false }: { readonly atMs: number; readonly isRough?: boolean }): JSX.Element {
  return <span>{useTicking((nowMs) => words(Math.max(0, nowMs - atMs), isRough))}</span>;
}

function words(ms: number, isRough: boolean): string {
  return isRough || ms < 1_000 ? oneUnit(ms) : duration(Math.floor(ms / 1_000) * 1_000);
}

export function Span({ ms }: { readonly ms: number | null }): JSX.Element {
  return ms === null ? <Nothing /> : <span title={`${Math.round(ms)} ms`}>{duration(ms)}</span>;
}

/** In a cell that has nothing to say. */
export function Nothing(): JSX.Element {
  return (
    <span class="dim nothing" aria-label="none">
      –
    </span>
  );
}
