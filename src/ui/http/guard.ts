/**
 * Whether a request may be answered at all, told by its method and headers. Pure. A page of another origin can send requests here with this
 * browser's cookies, and make its own name point here (DNS rebinding); so can every user of this machine, whose token the session asks for.
 *
 * Rules: a Host from an exact list on every request; what changes something needs `Sec-Fetch-Site: same-origin`, or where a browser does not
 * send that, an Origin that is the Host; and a JSON content type, which no HTML form has. (OWASP, "Cross-Site Request Forgery Prevention",
 * Fetch Metadata.)
 */
import { escape } from '../../job/text.ts';

/** The headers that count here, in lower case, as Node gives them. */
export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface Asked {
  readonly method: string;
  readonly headers: Headers;
  /** Names and values in turn, as they came: the headers above have the first Host alone, and a proxy may have gone by another. */
  readonly rawHeaders: readonly string[];
}

export interface Refusal {
  readonly status: number;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Names of this machine for itself. */
export const OWN_HOSTS: readonly string[] = ['127.0.0.1', 'localhost', '[::1]'];

/** Null for what may be answered. @param hosts names without ports, in lower case */
export function refusalOf({ method, headers, rawHeaders }: Asked, hosts: ReadonlySet<string>): Refusal | null {
  const isHost = (text: string, at: number): boolean => at % 2 === 0 && text.toLowerCase() === 'host';
  if (rawHeaders.filter(isHost).length > 1) return { status: 400, text: 'Expected one Host header, got several.' };
  const host = hostOf(headers);
  const name = hostName(host);
  if (name === null || !hosts.has(name))
    return {
      status: 403,
      text: `This page is not served under the name ${shown(host)}. Whoever runs it can allow that name: --allow-host, or the option \`hosts\`.`,
    };
  const isSafe = method === 'GET' || method === 'HEAD';
  if (!isSafe && method !== 'POST')
    return { status: 405, text: 'Only GET, HEAD and POST are answered.', headers: { allow: 'GET, HEAD, POST' } };
  const site = textOf(headers, 'sec-fetch-site');
  if (isSafe) {
    // A navigation from elsewhere may lead to the page. What another origin loads into itself, it may not have.
    const isNavigation = textOf(headers, 'sec-fetch-mode') === 'navigate';
    return site === '' || site === 'same-origin' || site === 'none' || isNavigation ? null : FOREIGN;
  }
  if (site === '' ? !isOwnOrigin(headers, host) : site !== 'same-origin') return FOREIGN;
  const type = textOf(headers, 'content-type').split(';')[0]?.trim().toLowerCase();
  return type === 'application/json'
    ? null
    : { status: 415, text: 'Expected the content type application/json for a POST.' };
}

const FOREIGN: Refusal = {
  status: 403,
  text: 'This request comes from a page of another origin, and is refused. A script sends `Authorization: Bearer TOKEN`.',
};

/** What a browser without Sec-Fetch-Site tells; a script with a token of its own is no browser, and tells nothing. */
function isOwnOrigin(headers: Headers, host: string): boolean {
  const origin = textOf(headers, 'origin');
  if (origin === '') return bearer(headers) !== null;
  try {
    return new URL(origin).host === host.toLowerCase();
  } catch {
    return false; // 'null', of a sandboxed frame, and what is no origin.
  }
}

/** The token of `Authorization: Bearer …`; null where there is none. */
export function bearer(headers: Headers): string | null {
  return /^Bearer +(\S+) *$/i.exec(textOf(headers, 'authorization'))?.[1] ?? null;
}

/** The value of a cookie; null where there is none. */
export function cookie(headers: Headers, name: string): string | null {
  for (const part of textOf(headers, 'cookie').split(';')) {
    const at = part.indexOf('=');
    if (at !== -1 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim();
  }
  return null;
}

/** The name in a Host header, without its port, in lower case; null for what is none. */
export function hostName(host: string): string | null {
  const [, name] = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i.exec(host) ?? [];
  return name === undefined ? null : name.toLowerCase();
}

/** HTTP/2 has it under another name. */
function hostOf(headers: Headers): string {
  return textOf(headers, 'host') || textOf(headers, ':authority');
}

function shown(host: string): string {
  return host === '' ? '(none)' : escape(host.slice(0, 100));
}

function textOf(headers: Headers, name: string): string {
  const value = headers[name];
  return typeof value === 'string' ? value : '';
}
