/** What people are told of jobs that are on their way between two places (broker/moving.ts): nobody takes them before they have arrived. Pure. */
import { commandFor, type UnfinishedMove } from '../../broker/moving.ts';
import { some } from '../../job/text.ts';

/** Of one job, without a full stop: nothing else that holds it back matters before it has arrived. @param place where one looks */
export function onItsWayText(move: UnfinishedMove, place: string): string {
  const what = move.isGoing
    ? 'a process moves it at this moment'
    : `nobody takes it until it has arrived, and no process goes on with that: \`${commandFor(move)}\` does`;
  return `It is on its way ${wayOf(move, place)}: ${what}`;
}

/** Of all of them, as an advice; null where none is on its way. */
export function movingAdvice(move: UnfinishedMove | null, place: string): string | null {
  if (move === null || move.ids.length === 0) return null;
  const what = move.isGoing
    ? 'a process moves jobs at this moment.'
    : `no process goes on with that, and nobody takes them before they have arrived: \`${commandFor(move)}\` goes on.`;
  return `${onTheWay(move)} ${wayOf(move, place)}: ${what}`;
}

/** Of all of them, as a problem; null where there is none. */
export function stoppedMoveText(move: UnfinishedMove | null): string | null {
  return move === null || move.isGoing || move.ids.length === 0
    ? null
    : `${onTheWay(move)} from ${move.from} to ${move.to}, and no process goes on with that`;
}

function onTheWay({ ids }: UnfinishedMove): string {
  return `${some(ids.length, 'job is', 'jobs are')} on the way`;
}

function wayOf({ from, to }: UnfinishedMove, place: string): string {
  return from === place ? `to ${to}` : `here from ${from}`;
}
