/** What can be wrong with the journal: records without their job (I16), segments that nobody needs any more or that wait for a replay (I17). Pure. */
import { some, span } from '../../job/text.ts';
import { type Finding, findingsOf, rows } from './finding.ts';
import type { EarlierFolder, JournalOutline, LostRecord } from './journal-outline.ts';
import type { Outline } from './outline.ts';
import { DEAD_HOLDER_MS } from './owner-rows.ts';

interface Left {
  readonly location: string;
  /** A process lives that frees what the dead have recorded. */
  readonly hasKeeper: boolean;
}

type Earlier = EarlierFolder & Left & Pick<JournalOutline, 'isBootKnown'>;

const LOST_ROWS = rows<LostRecord>({
  'lost-record': {
    severity: 'error',
    invariant: 'I16',
    wrong: ({ id, location, job }) =>
      `${location} records that job ${id} was accepted, but ${job === null ? 'it is nowhere' : `${job} is not what was accepted`}: a power cut would bring it back.`,
    advice: 'Was its file changed or removed by hand? If not, please report it.',
  },
});

const DEAD_ROWS = rows<Left>({
  'dead-segment': {
    severity: ({ hasKeeper }) => (hasKeeper ? 'error' : 'info'),
    invariant: ({ hasKeeper }) => (hasKeeper ? 'I17' : null),
    wrong: ({ location, hasKeeper }) =>
      `${location} is of a process that is dead${hasKeeper ? `, for more than ${span(DEAD_HOLDER_MS)}, although a worker lives` : ''}.`,
    advice: ({ hasKeeper }) =>
      hasKeeper
        ? 'Look at the log of the worker; `fsq doctor --repair` makes its jobs durable and removes it.'
        : 'A worker makes its jobs durable and removes it within a second; so does `fsq doctor --repair`.',
    mend: 'recover',
  },
});

const EARLIER_ROWS = rows<Earlier>({
  'not-replayed': {
    severity: ({ isBootKnown, hasKeeper, replayer }) =>
      !isBootKnown || (hasKeeper && replayer === null) ? 'error' : replayer === null ? 'warning' : 'info',
    invariant: ({ hasKeeper, replayer }) => (hasKeeper && replayer === null ? 'I17' : null),
    wrong: ({ location, segments, replayer }) =>
      `${location}, ${some(segments, 'segment')} of the journal of an earlier boot, ${replayer === null ? 'is not replayed' : `is being replayed by process ${replayer}`}: what a power cut broke is not whole yet.`,
    advice: ({ isBootKnown, replayer }) => {
      if (!isBootKnown)
        return 'It cannot be replayed here, where one boot of the machine cannot be told from another, or on this file system: open the spool once on a local disk of a Linux machine.';
      return replayer === null
        ? 'The next worker, or process that sends jobs, replays it first; so does `fsq doctor --repair`. Look again then.'
        : 'Look again when that is done.';
    },
    mend: ({ isBootKnown, replayer }) => (isBootKnown && replayer === null ? 'recover' : null),
  },
});

const ASIDE_ROWS = rows<string>({
  'unread-segment': {
    severity: 'warning',
    wrong: (location) =>
      `${location} lay in the journal and could not be read: jobs that it records, and that a power cut broke, are not restored.`,
    advice: 'Send again what was sent shortly before that and has no result. Then remove it.',
  },
});

export function journalFindings({ journal, owners }: Pick<Outline, 'journal' | 'owners'>): readonly Finding[] {
  const { lost, dead, earlier, isBootKnown, aside } = journal;
  const hasKeeper = owners.some(({ role, verdict }) => role === 'supervisor' && verdict.verdict === 'alive');
  return [
    ...lost.flatMap((record) => findingsOf(LOST_ROWS, record, record.location, record.id)),
    ...dead.flatMap((location) => findingsOf(DEAD_ROWS, { location, hasKeeper }, location)),
    ...earlier.flatMap((folder) =>
      findingsOf(EARLIER_ROWS, { ...folder, hasKeeper, isBootKnown }, placeOf(folder.location)),
    ),
    ...aside.flatMap((location) => findingsOf(ASIDE_ROWS, location, location)),
  ];
}

/** The same whoever has taken the folder to replay it. */
function placeOf(location: string): string {
  const name = location.lastIndexOf('/') + 1;
  return location.slice(0, name) + (location.slice(name).split('~')[0] ?? '');
}
