/** The tokens of locks: each claim has its own, which begins with the name of the process that holds it. Pure. */

/** No name of an owner has it. */
const SEPARATOR = '~';

export function tokenOf(owner: string, count: number): string {
  return `${owner}${SEPARATOR}${count}`;
}

/** Null for a token of another program. */
export function ownerOf(token: string): string | null {
  const end = token.indexOf(SEPARATOR);
  return end === -1 ? null : token.slice(0, end);
}

/** What the tokens of this owner begin with. */
export function tokensOf(owner: string): string {
  return `${owner}${SEPARATOR}`;
}
