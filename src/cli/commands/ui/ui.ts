/** `fsq ui`: serves the page to a browser of this machine. */
import { dirname } from 'node:path';
import { placeText } from '../../../app/settings/place.ts';
import { UsageError } from '../../../job/errors.ts';
import { escape } from '../../../job/text.ts';
import { nodeFiles } from '../../../spool/disk/files.ts';
import { unsafeFolder } from '../../../spool/place/trust.ts';
import { hostName } from '../../../ui/http/guard.ts';
import { checkToken, newToken } from '../../../ui/http/session.ts';
import { serve, type Serving, type Where } from '../../../ui/http/serve.ts';
import { createOwnUi } from '../../../ui/create-ui.ts';
import type { SendingOf } from '../../../ui/desk.ts';
import { type Command, type Context, type Values, wholeNumber } from '../../command.ts';
import { EXIT } from '../../exit.ts';
import { scheduledTask } from '../../project-tasks.ts';
import { settingsOf } from '../../setting-options.ts';

const PORT = 9_478;
const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '::1']);
const EVERY_ADDRESS: ReadonlySet<string> = new Set(['0.0.0.0', '::']);
/** A token that somebody has chosen: an argument of a process is seen by everybody on the machine. */
const TOKEN_VARIABLE = 'FSQ_UI_TOKEN';

export const ui: Command = {
  name: 'ui',
  usage: 'fsq ui [options]',
  examples: [
    ['fsq ui', 'of the spool of this project; prints the address to open, with its token'],
    ['fsq ui --read-only --port 0', 'without buttons, on any port that is free'],
    ['fsq ui --socket /run/fsq/ui.sock', 'for a proxy on this machine, or for `ssh -L 9478:/run/fsq/ui.sock`'],
  ],
  options: {
    port: { type: 'string', value: 'PORT', help: `default ${PORT}; 0 takes any that is free` },
    host: { type: 'string', value: 'ADDRESS', help: 'listen there instead of on 127.0.0.1; others can then reach it' },
    'allow-host': {
      type: 'string',
      value: 'NAME',
      multiple: true,
      help: 'a name by which the page is reached as well',
    },
    socket: { type: 'string', value: 'FILE', help: 'listen on this Unix socket, which only you may open' },
    'base-path': { type: 'string', value: 'PATH', help: 'serve the page below this path, as behind a proxy' },
    'read-only': { type: 'boolean', help: 'only look: no job, queue or schedule can be changed' },
    'hide-arguments': { type: 'boolean', help: 'show no arguments, values, checkpoints and details of progress' },
  },
  notes: [
    'Every request needs the token, which is part of the address that is printed, and new at each start.',
    'FSQ_UI_TOKEN sets one of your own, with which an open page outlives a new start. A script sends it as',
    '`Authorization: Bearer TOKEN`. Ctrl-C ends it. `fsq/ui` gives the same page to your own server: docs/ui.md.',
  ],
  run: runUi,
};

async function runUi(context: Context): Promise<number> {
  const { values, env, stdout, tell } = context;
  const where = whereOf(values);
  // What is wrong with the settings is told before anybody has opened the page.
  const settings = await settingsOf(context);
  const chosen = env[TOKEN_VARIABLE];
  const token = chosen === undefined ? newToken() : checkToken(chosen, TOKEN_VARIABLE);
  const hosts = values.names('allow-host').map((name) => allowed(name, '--allow-host'));
  const sendingOf: SendingOf = async (schedule) => (await scheduledTask(schedule, settings)).sending ?? {};
  const options = {
    app: { settings: async () => settings },
    token,
    hosts: 'host' in where ? [...hosts, shownHost(where.host)] : hosts,
    readOnly: values.flag('read-only'),
    hideArguments: values.flag('hide-arguments'),
    basePath: values.text('base-path') ?? '',
  };
  const { ui: page, begin } = createOwnUi(options, sendingOf);
  if ('socket' in where && !settings.allowUnsafe) refuseUnsafeSocket(where.socket);
  const serving = await serve(page, where);
  try {
    if ('host' in where && !LOOPBACK.has(where.host)) {
      tell(
        `Others can reach ${where.host}, and read what goes over it, the token too: put TLS before it, or use \`ssh -L\`.`,
      );
      if (EVERY_ADDRESS.has(where.host) && hosts.length === 0)
        tell('A browser is answered under localhost and 127.0.0.1; --allow-host names by what others reach it.');
    }
    const shownToken = chosen === undefined ? token : '…';
    tell(`The page of ${placeText(settings)}${over(where)}, until Ctrl-C:`);
    const path = `${(values.text('base-path') ?? '').replace(/\/$/, '')}/#token=${shownToken}`;
    stdout.write(`${address(where, serving, hosts)}${path}\n`);
    void begin();
    await signalled();
    return EXIT.good;
  } finally {
    await serving.close();
    await page.close();
  }
}

/** @throws UsageError */
function whereOf(values: Values): Where {
  const port = wholeNumber(values.text('port'), 'port', 0, 65_535);
  const socket = values.text('socket');
  const host = values.text('host')?.replace(/^\[(.*)\]$/, '$1');
  if (socket === undefined) return { host: host ?? '127.0.0.1', port: port ?? PORT };
  const other = port === undefined ? (host === undefined ? null : '--host') : '--port';
  if (other !== null) throw new UsageError(`Expected --socket or ${other}, got both`);
  return { socket };
}

/** Whoever may change a folder may put a page of their own in the place of ours: it would be given the token. @throws UsageError */
function refuseUnsafeSocket(path: string): void {
  const problem = unsafeFolder(nodeFiles, dirname(path));
  if (problem === null) return;
  const { path: folder, what, advice } = problem;
  throw new UsageError(
    `The socket ${escape(path)} would not be safe: ${escape(folder)} ${what}. Who can change that can put another page there, and be given its token. ` +
      `${advice}, or choose another folder. FSQ_ALLOW_UNSAFE=1 uses it all the same`,
  );
}

/** Without its port: there is one port, and the page has it. */
function allowed(given: string, option: string): string {
  const name = hostName(given);
  if (name !== null) return name;
  throw new UsageError(`Expected ${option} to be a name such as queue.example.com, got ${JSON.stringify(given)}`);
}

/** An address as a Host header says it. */
function shownHost(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : allowed(host, '--host');
}

/** A browser opens no socket: something leads to it. */
function over(where: Where): string {
  return 'socket' in where
    ? ` on the socket ${where.socket}, which a proxy or \`ssh -L ${PORT}:${where.socket}\` leads to`
    : '';
}

/** As it is opened: of every address of this machine a name that was allowed, or else its own. */
function address(where: Where, { port }: Serving, hosts: readonly string[]): string {
  if ('socket' in where) return `http://127.0.0.1:${PORT}`;
  const name = EVERY_ADDRESS.has(where.host) ? (hosts[0] ?? '127.0.0.1') : shownHost(where.host);
  return `http://${name}:${port}`;
}

function signalled(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
}
