/** Keys, states, and where there is more. */
import type { JSX } from 'preact';
import { Dialog } from '../parts/dialog.tsx';
import { State } from '../parts/state.tsx';
import { KEYS } from '../plain/keymap.ts';
import { STATES } from '../plain/place.ts';
import type { StateName } from '../../src/ui/wire.ts';
import { usePage } from '../server/context.ts';

const MEANINGS: Readonly<Record<StateName, string>> = {
  pending: 'ready, waits for a worker',
  delayed: 'waits for its time, a retry, or other jobs',
  parked: 'no worker knows its task',
  running: 'a worker runs it',
  succeeded: 'ended well, its value is kept a while',
  failed: 'its last attempt failed',
  revoked: 'somebody took it back',
  expired: 'it was not started in time',
};

export function Help({ onClose }: { readonly onClose: () => void }): JSX.Element {
  const { session } = usePage();
  return (
    <Dialog title="Help" onClose={onClose} isWide>
      <div class="columns">
        <div>
          <h3>Keys</h3>
          <dl class="keys">
            {KEYS.map(([keys, what]) => (
              <div key={what}>
                <dt>
                  {keys.map((key) => (
                    <kbd key={key}>{key}</kbd>
                  ))}
                </dt>
                <dd>{what}</dd>
              </div>
            ))}
          </dl>
        </div>
        <div>
          <h3>States</h3>
          <dl class="keys">
            {STATES.map((state) => (
              <div key={state}>
                <dt>
                  <State state={state} />
                </dt>
                <dd>{MEANINGS[state]}</dd>
              </div>
            ))}
          </dl>
        </div>
      </div>
      <p class="dim">
        Times are those of this browser’s time zone; the pointer on one shows it in UTC. This is fsq {session.version}:
        in a terminal, <code>fsq top</code> shows much of this, and <code>fsq help</code> lists all commands.
      </p>
      <p class="buttons">
        <button type="button" onClick={onClose}>
          Close
        </button>
      </p>
    </Dialog>
  );
}
