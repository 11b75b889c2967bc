/** What every screen may use: what the server has told, where one is, and how something is done and answered. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Answer, Session } from '../../src/ui/wire.ts';
import type { Place } from '../plain/place.ts';
import type { PageAct } from './api.ts';
import type { LiveView } from './live.ts';

export interface PageState {
  readonly session: Session;
  readonly live: LiveView;
  readonly place: Place;
  /** Goes there; the address follows. `isSmall`: typing in a filter, which makes no step to go back to. */
  readonly go: (place: Place, isSmall?: boolean) => void;
  /** Does it, and shows what came of it. */
  readonly run: (what: PageAct) => Promise<Answer>;
  readonly say: (answer: Answer) => void;
  /** The server wants the token. */
  readonly locked: () => void;
}

export const PageContext = createContext<PageState>(null as unknown as PageState);

export function usePage(): PageState {
  return useContext(PageContext);
}
