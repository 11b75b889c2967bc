/** A job's state: a word, a picture and a colour, in this order of weight. */
import type { JSX } from 'preact';
import type { StateName } from '../../src/ui/wire.ts';
import { Icon } from './icon.tsx';

export function State({ state }: { readonly state: StateName }): JSX.Element {
  return (
    <span class={`state ${state}`}>
      <Icon name={state} />
      {state}
    </span>
  );
}
