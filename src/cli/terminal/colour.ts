/** Whether what a stream gets is coloured, and the few colours there are: of states, verdicts, failures, and what matters less. Pure. */

/** The terminal's own eight, which its user has chosen for his background. */
const CODES = { red: 31, green: 32, yellow: 33, cyan: 36, dim: 2, bold: 1 } as const;

export type Colour = keyof typeof CODES;

/** `text`, coloured where the reader wants that. What it holds is escaped already. */
export type Paint = (colour: Colour | null, text: string) => string;

/**
 * Whether a stream gets colours: FORCE_COLOR decides first (0 and false: none, all else: colours), then NO_COLOR (no-color.org) and
 * TERM=dumb forbid them, then a terminal gets them. A variable that is empty says nothing.
 */
export function wantsColours(isTerminal: boolean, env: NodeJS.ProcessEnv): boolean {
  const forced = env['FORCE_COLOR'] ?? '';
  if (forced !== '') return forced !== '0' && forced !== 'false';
  return isTerminal && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}

/** `util.styleText` looks at the environment for itself from Node.js 22.13 on, and not before. */
export function painter(hasColours: boolean): Paint {
  if (!hasColours) return (_colour, text) => text;
  return (colour, text) => (colour === null || text === '' ? text : `\u001b[${CODES[colour]}m${text}\u001b[0m`);
}

const OF_STATE: Readonly<Record<string, Colour>> = {
  running: 'cyan',
  succeeded: 'green',
  failed: 'red',
  revoked: 'yellow',
  expired: 'yellow',
};

/** The colour of a job's state; null for one that waits. */
export function stateColour(state: string): Colour | null {
  return OF_STATE[state] ?? null;
}
