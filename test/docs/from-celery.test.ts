import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { COMMANDS } from '../../src/cli/main.ts';
import { COMMON_OPTIONS } from '../../src/cli/command.ts';
import { worker } from '../../src/cli/commands/worker/worker.ts';
import { REPOSITORY } from '../support/project.ts';

const PAGE = read('docs/from-celery.md');
/** Whoever knows Celery asks of each what it is called here, and of what is here only, what it is for. */
const INTERFACES = {
  'src/app/task-options.ts': ['SharedOptions', 'TaskOptions', 'ApplyOptions', 'LifeOptions'],
  'src/job/job-options.ts': ['BackoffOptions'],
  'src/job/queue-limits.ts': ['LimitOptions'],
  'src/app/unique.ts': ['UniqueOptions', 'TaskKey', 'CallKey'],
  'src/app/current-job.ts': ['CurrentJob', 'RetryOptions'],
  'src/app/settings/config.ts': ['Config'],
};

for (const [file, names] of Object.entries(INTERFACES)) {
  for (const name of names) {
    test(`docs/from-celery.md names every option of ${name}`, () => {
      const options = membersOf(file, name);

      assert.deepEqual(
        options.filter((option) => !inCode(option)),
        [],
      );
    });
  }
}

test('docs/from-celery.md names every option of fsq worker, and every command', () => {
  const options = Object.keys({ ...worker.options, ...COMMON_OPTIONS }).filter((name) => name !== 'help');
  const commands = Object.keys(COMMANDS);

  assert.deepEqual(
    {
      options: options.filter((name) => !inCode(`--${name}`)),
      commands: commands.filter((name) => !inCode(`fsq ${name}`)),
    },
    { options: [], commands: [] },
  );
});

test('docs/from-celery.md links what it says of Celery to its documentation', () => {
  const sources = PAGE.slice(PAGE.indexOf('## Sources'));

  assert.ok((sources.match(/\]\(https:\/\/docs\.celeryq\.dev\//g) ?? []).length > 5, sources);
});

/** True if some piece of code on the page has it as a word of its own. */
function inCode(name: string): boolean {
  const word = new RegExp(`(?<![\\w-])${name}(?![\\w-])`);
  return (PAGE.match(/`[^`\n]+`/g) ?? []).some((code) => word.test(code));
}

/** The names of an interface's own members. */
function membersOf(file: string, name: string): readonly string[] {
  const source = read(file);
  const start = source.search(new RegExp(`^(?:export )?interface ${name}\\b`, 'm'));
  assert.notEqual(start, -1, `${file} has no interface ${name}`);
  const body = source.slice(start, source.indexOf('\n}', start));
  const members = [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??[:(]/gm)].map(([, member = '']) => member);
  assert.notEqual(members.length, 0, `${name} in ${file} has no members`);
  return members;
}

function read(page: string): string {
  return readFileSync(join(REPOSITORY, page), 'utf8');
}
