/** `fsq init`: makes the spool, and a first task where the project has none. Never overwrites. */
import { join, relative } from 'node:path';
import { canLoadTypeScript } from '../../app/project/load-module.ts';
import { currentFolder, nodemonOf } from '../../app/project/project.ts';
import { writeNewFile } from '../../app/project/write.ts';
import type { Settings } from '../../app/settings/config.ts';
import { brokerOptions, placeText } from '../../app/settings/place.ts';
import { tryBroker } from '../../open.ts';
import { SpoolError } from '../../job/errors.ts';
import { escape, jsonText } from '../../job/text.ts';
import { type Command, type Context, spoolOption } from '../command.ts';
import { shortPath } from '../display.ts';
import { EXIT } from '../exit.ts';
import { modulesOf, settingsOf } from '../setting-options.ts';

export const init: Command = {
  name: 'init',
  usage: 'fsq init [options]',
  examples: [
    ['fsq init', 'make ./spool and, if there is no task yet, tasks.ts'],
    ['fsq init --spool /var/spool/shop', 'make the spool there'],
  ],
  options: {},
  notes: ['What is there already stays as it is: running it again changes nothing.'],
  run: runInit,
};

const FIRST_TASK_TS = `import { task } from 'fsq';

export const add = task('add', async (a: number, b: number) => a + b);
`;
const FIRST_TASK_MJS = FIRST_TASK_TS.replaceAll(': number', '');

async function runInit(context: Context): Promise<number> {
  const { stdout, values } = context;
  const option = spoolOption(values);
  const cwd = currentFolder();
  const settings = await settingsOf(context);
  const { spool } = settings;
  const isNew = await makeSpool(settings);
  const lines = [placeLine(settings, isNew)];
  const { files: modules } = modulesOf(settings);
  if (modules.length === 0) lines.push(`made ${shortPath(writeFirstTask(settings), cwd)} with a first task`);
  else lines.push(`task modules: ${modules.map((path) => shortPath(path, cwd)).join(', ')}`);
  const inside = relative(settings.projectRoot, spool);
  if (isNew && !inside.startsWith('..')) {
    lines.push(`keep ${inside}/ out of version control`);
    lines.push(...leaveAlone(settings.projectRoot, `${inside}/`));
  }
  lines.push('', 'Next, in one terminal:', `  npx fsq worker${option}`, 'and in another:');
  lines.push(modules.length === 0 ? `  npx fsq call add 1 2 --wait${option}` : `  npx fsq tasks${option}`, '');
  stdout.write(lines.map(escape).join('\n'));
  return EXIT.good;
}

function placeLine(settings: Settings, isNew: boolean): string {
  const place = placeText(settings);
  if (settings.broker !== null) return `the jobs are kept by ${place}, which answers`;
  return isNew ? `made the spool ${place}` : `the spool ${place} is there already`;
}

/** True if it was not there. @throws SpoolError, and what the opening of a broker throws */
async function makeSpool(settings: Settings): Promise<boolean> {
  const options = brokerOptions(settings);
  if (settings.broker !== null) return tryBroker(options);
  try {
    return await tryBroker({ ...options, mustExist: true });
  } catch (error) {
    if (!(error instanceof SpoolError && error.code === 'FSQ_NO_SPOOL')) throw error;
    return await tryBroker(options);
  }
}

/** nodemon looks at all .json files, and would restart the user's program at each job. */
function leaveAlone(projectRoot: string, spool: string): readonly string[] {
  const { isUsed, isConfigured } = nodemonOf(projectRoot);
  if (!isUsed) return [];
  if (isConfigured)
    return [`add ${jsonText(spool)} to \`ignore\` in the configuration of nodemon: it would restart at each job`];
  writeNewFile(join(projectRoot, 'nodemon.json'), `${jsonText({ ignore: [spool] }, 2)}\n`);
  return ['made nodemon.json, so that nodemon does not restart at each job'];
}

/** The path of the new module: TypeScript where a worker here could load it. */
function writeFirstTask({ projectRoot }: Settings): string {
  const isTypeScript = canLoadTypeScript(join(projectRoot, 'tasks.ts'));
  const path = join(projectRoot, isTypeScript ? 'tasks.ts' : 'tasks.mjs');
  writeNewFile(path, isTypeScript ? FIRST_TASK_TS : FIRST_TASK_MJS);
  return path;
}
