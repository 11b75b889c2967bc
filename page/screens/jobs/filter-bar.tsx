/** What to look for: states, a text, task, queue, worker, key, since, error. All of it is in the address. */
import type { JSX } from 'preact';
import { useEffect, useId, useState } from 'preact/hooks';
import type { JobPage, JobQuery, StateName } from '../../../src/ui/wire.ts';
import { Icon } from '../../parts/icon.tsx';
import { Name } from '../../parts/text.tsx';
import { countSoFar } from '../../plain/format.ts';
import { hasParts, STATES, strangeParts, withPart } from '../../plain/place.ts';
import { usePage } from '../../server/context.ts';
import { FilterField, listOf } from './field.tsx';

interface Props {
  readonly query: JobQuery;
  /** How many jobs of this filter are in each state; null: nobody knows. */
  readonly states?: JobPage['states'];
  /** They have one state, and are not looked for by a text in arguments: each job would have to be read for that. */
  readonly isOfFailures?: boolean;
  /** `isSmall`: by typing. */
  readonly onChange: (query: JobQuery, isSmall: boolean) => void;
}

const SINCE = [
  ['', 'any time'],
  ['5m', '5 minutes'],
  ['1h', 'an hour'],
  ['6h', '6 hours'],
  ['1d', 'a day'],
  ['7d', 'a week'],
] as const;

/** Parts that are seldom asked for, behind a button while they are empty. */
const SELDOM = ['worker', 'key', 'error', 'since'] as const;

export function FilterBar({ query, states = null, isOfFailures = false, onChange }: Props): JSX.Element {
  const { live, session } = usePage();
  const hasSeldom = SELDOM.some((name) => query[name] !== undefined);
  const [isOpen, setOpen] = useState(hasSeldom);
  // A filter that holds is seen, however it came into the address.
  useEffect(() => {
    if (hasSeldom) setOpen(true);
  }, [hasSeldom]);
  const id = useId();
  const strange = strangeParts(location.hash);
  const type =
    (part: keyof JobQuery, isList = false) =>
    (value: string) =>
      onChange(withPart(query, part, isList ? listOf(value) : value), true);
  const tasks = [...new Set(live.summary?.workers.flatMap((worker) => worker.tasks) ?? [])].toSorted();
  const queues = live.summary?.queues.map((queue) => queue.name) ?? [];
  return (
    <form class="filters" role="search" aria-label="Filter" onSubmit={(event) => event.preventDefault()}>
      {strange.length > 0 && (
        <p class="note warning" role="alert">
          <Name text={strange.join(' ')} /> The list below is without that.
        </p>
      )}
      {!isOfFailures && <States query={query} counts={states} onChange={onChange} />}
      <div class="fields">
        {!isOfFailures && (
          <FilterField
            label={session.hidesArguments ? 'Beginning of an id' : 'Text in arguments, or id'}
            value={query.text ?? ''}
            onChange={type('text')}
            placeholder="press /"
            isMain
          />
        )}
        <FilterField
          label="Task"
          value={(query.tasks ?? []).join(',')}
          onChange={type('tasks', true)}
          choices={tasks}
          isList
          isMain={isOfFailures}
        />
        <FilterField
          label="Queue"
          value={(query.queues ?? []).join(',')}
          onChange={type('queues', true)}
          choices={queues}
          isList
        />
        {isOpen && (
          <>
            <FilterField label="Error" value={query.error ?? ''} onChange={type('error')} />
            <FilterField label="Worker or pid" value={query.worker ?? ''} onChange={type('worker')} />
            <FilterField label="Key" value={query.key ?? ''} onChange={type('key')} />
            <div class="filter">
              <label for={`${id}-since`}>Within</label>
              <select
                id={`${id}-since`}
                value={query.since ?? ''}
                onChange={(event) => onChange(withPart(query, 'since', event.currentTarget.value), false)}
              >
                {SINCE.map(([value, text]) => (
                  <option key={value} value={value}>
                    {text}
                  </option>
                ))}
                {query.since !== undefined && !SINCE.some(([value]) => value === query.since) && (
                  <option value={query.since}>{query.since}</option>
                )}
              </select>
            </div>
          </>
        )}
        <div class="after">
          {!hasSeldom && (
            <button type="button" class="quiet" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
              {isOpen ? 'Fewer' : 'More'}
            </button>
          )}
          {query.group !== undefined && (
            <button type="button" class="tag" onClick={() => onChange(withPart(query, 'group', ''), false)}>
              one kind of failure <Icon name="cross" />
              <span class="unseen">: take this away</span>
            </button>
          )}
          {hasParts(query) && (
            <button type="button" class="quiet" onClick={() => onChange({}, false)}>
              Clear
            </button>
          )}
        </div>
      </div>
    </form>
  );
}

interface StatesProps extends Pick<Props, 'query' | 'onChange'> {
  readonly counts: JobPage['states'];
}

/** A number on a chip is what a press of it shows: with a filter, of the jobs that match it. */
function States({ query, counts, onChange }: StatesProps): JSX.Element {
  const { live } = usePage();
  const chosen = query.states ?? [];
  const shown = hasParts(withPart(query, 'states', [])) ? counts : (live.summary?.counts ?? null);
  const isComplete = live.summary?.index.isComplete ?? true;
  const toggle = (state: StateName): void => {
    const states = STATES.filter((one) => (one === state ? !chosen.includes(one) : chosen.includes(one)));
    onChange(withPart(query, 'states', states), false);
  };
  return (
    <div class="chips" role="group" aria-label="States">
      {STATES.map((state) => {
        return (
          <button
            key={state}
            type="button"
            class={`chip ${state}`}
            aria-pressed={chosen.includes(state)}
            onClick={() => toggle(state)}
          >
            <Icon name={state} />
            {state} {shown !== null && <span class="number">{countSoFar(shown[state], state, isComplete)}</span>}
          </button>
        );
      })}
    </div>
  );
}
