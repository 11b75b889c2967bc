import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe } from 'node:test';
import { fileURLToPath } from 'node:url';
import { medianLines, violations } from './support/architecture.ts';
import { excesses } from './support/house.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

test('the sources keep the architecture', (t) => {
  const files = sourcesOf(ROOT);

  const complaints = violations(files);

  t.diagnostic(`${files.size} files, median ${medianLines(files)} lines`);
  assert.ok(files.size > 0, `no source file under ${ROOT}src`);
  assert.deepEqual(complaints, []);
});

test('no folder, no class and no circle is larger than the house rules allow', () => {
  const found = excesses(sourcesOf(ROOT));

  assert.deepEqual(
    found.map(({ message }) => message),
    [],
  );
});

describe('too much is', () => {
  const classWith = (members: string): ReadonlyMap<string, string> =>
    new Map([['src/worker/crew.ts', `export class Crew<T> extends Base<T> implements Is {\n${members}\n}\n`]]);
  const fields = (count: number): string => Array.from({ length: count }, (_, i) => `  #f${i} = ${i};`).join('\n');
  const folder = (count: number): ReadonlyMap<string, string> =>
    new Map(Array.from({ length: count }, (_, i) => [`src/job/f${i}.ts`, '']));

  const cases: readonly [what: string, files: ReadonlyMap<string, string>, messages: readonly string[]][] = [
    ['thirteen files in a folder', folder(13), ['src/job: 13 files (a folder has at most 12)']],
    ['not twelve, nor what lies in folders below', new Map([...folder(12), ['src/job/values/a.ts', '']]), []],
    ['nine fields', classWith(fields(9)), ['src/worker/crew.ts: 9 fields in Crew (a class has at most 8)']],
    [
      'nine fields of every kind',
      classWith(`
  /** A comment; with a semicolon. */
  readonly #a: { readonly x: number } | null = null;
  #b: readonly { y: number }[] = [];
  #c: (z: { w: number }) => void = () => undefined;
  readonly d: Map<string, { q: 1 }> = new Map([['{', { q: 1 }]]);
  e?: number;
  override readonly f = { g: { h: 1 } };
  #i = (x: number): number => {
    return x;
  };
  private j: number;
  constructor() {
    this.e = 1;
  }
  #k = async () => { await 1; };`),
      ['src/worker/crew.ts: 9 fields in Crew (a class has at most 8)'],
    ],
    [
      'not methods, accessors and statics beside eight fields',
      classWith(`${fields(8)}
  static readonly MOST = 8;
  constructor(x: number) { this.#f0 = x; }
  get size(): { n: number } { return { n: 1 }; }
  set size(to) { this.#f1 = to; }
  async *walk<T>(x: T = {} as T): AsyncGenerator<T> { const a = 1; let b: number; yield x; }
  [Symbol.iterator]() { return this; }
  #hidden(): void {}`),
      [],
    ],
    [
      'two files that import one another, types included',
      new Map([
        ['src/job/a.ts', `import type { B } from './b.ts';`],
        ['src/job/b.ts', `import { a } from './a.ts';`],
      ]),
      ['2 files lie in circles, such as job/a.ts → job/b.ts → job/a.ts (no circle between files)'],
    ],
    [
      'a circle by way of a third file, and not the file that leads into it',
      new Map([
        ['src/cli/in.ts', `import './a.ts';`],
        ['src/cli/a.ts', `import './b.ts';`],
        ['src/cli/b.ts', `export * from './c.ts';`],
        ['src/cli/c.ts', `const a = await import('./a.ts');`],
      ]),
      ['3 files lie in circles, such as cli/a.ts → cli/b.ts → cli/c.ts → cli/a.ts (no circle between files)'],
    ],
    [
      'not two ways to one file',
      new Map([
        ['src/cli/a.ts', `import './b.ts';\nimport './c.ts';`],
        ['src/cli/b.ts', `import './d.ts';`],
        ['src/cli/c.ts', `import './d.ts';`],
        ['src/cli/d.ts', ''],
      ]),
      [],
    ],
  ];

  for (const [what, files, messages] of cases) {
    test(what, () => {
      assert.deepEqual(
        excesses(files).map(({ message }) => message),
        messages,
      );
    });
  }
});

describe('a complaint is made about', () => {
  const bad: readonly [what: string, path: string, text: string, complaint: string][] = [
    [
      'job importing broker',
      'src/job/job.ts',
      `import type { Broker } from '../broker/broker.ts';`,
      'src/job/job.ts:1: imports src/broker/broker.ts (job may import job only)',
    ],
    [
      'broker importing spool',
      'src/broker/broker.ts',
      `\nexport { Spool } from '../spool/spool.ts';`,
      'src/broker/broker.ts:2: imports src/spool/spool.ts (broker may import job, broker only)',
    ],
    [
      'spool importing app',
      'src/spool/spool.ts',
      `const app = await import('../app/app.ts');`,
      'src/spool/spool.ts:1: imports src/app/app.ts (spool may import job, broker, spool only)',
    ],
    [
      'app importing spool',
      'src/app/app.ts',
      `import { Spool } from '../spool/spool.ts';`,
      'src/app/app.ts:1: imports src/spool/spool.ts (app may import job, broker, open, app only)',
    ],
    [
      'app importing worker',
      'src/app/app.ts',
      `import '../worker/child.ts';`,
      'src/app/app.ts:1: imports src/worker/child.ts (app may import job, broker, open, app only)',
    ],
    [
      'worker importing spool',
      'src/worker/child.ts',
      `type Spool = import('../spool/spool.ts').Spool;`,
      'src/worker/child.ts:1: imports src/spool/spool.ts (worker may import job, broker, open, app, worker only)',
    ],
    [
      'worker importing cli',
      'src/worker/child.ts',
      `import { main } from '../cli/main.ts';`,
      'src/worker/child.ts:1: imports src/cli/main.ts (worker may import job, broker, open, app, worker only)',
    ],
    [
      'open importing app',
      'src/open.ts',
      `import { app } from './app/app.ts';`,
      'src/open.ts:1: imports src/app/app.ts (open may import job, broker, spool, bullmq only)',
    ],
    [
      'spool importing open',
      'src/spool/spool.ts',
      `import { open } from '../open.ts';`,
      'src/spool/spool.ts:1: imports src/open.ts (spool may import job, broker, spool only)',
    ],
    [
      'a folder of the spool importing one above it',
      'src/spool/disk/files.ts',
      `import { recover } from '../recovery/recover.ts';`,
      'src/spool/disk/files.ts:1: imports src/spool/recovery/ (src/spool/disk/ may import disk only)',
    ],
    [
      'a folder of the spool that is on no floor',
      'src/spool/stuff/a.ts',
      '',
      'src/spool/stuff/a.ts:1: src/spool/stuff/ is on no floor (the floors are disk, place, keys, job-file, beside, notes, owners, statistics, after, ready, claims, journal, sending, schedules, results, recovery, revoking, moving, doctor, following)',
    ],
    [
      'a part importing the public index',
      'src/worker/child.ts',
      `import { task } from '../index.ts';`,
      'src/worker/child.ts:1: imports src/index.ts (worker may import job, broker, open, app, worker only)',
    ],
    [
      'an import out of src',
      'src/cli/main.ts',
      `import pkg from '../../package.json' with { type: 'json' };`,
      'src/cli/main.ts:1: imports package.json (src imports nothing outside src)',
    ],
    [
      'a relative import of JavaScript',
      'src/cli/main.ts',
      `import { run } from './run.js';`,
      `src/cli/main.ts:1: imports './run.js' (a relative import names its .ts file)`,
    ],
    [
      'a folder nobody knows',
      'src/utils/misc.ts',
      '',
      'src/utils/misc.ts:1: src/utils/misc.ts is in no part of the architecture (the parts are job, broker, spool, bullmq, open, app, worker, ui, cli, testing, index)',
    ],
    [
      'a dependency',
      'src/cli/main.ts',
      `import chalk from 'chalk';`,
      `src/cli/main.ts:1: imports 'chalk' (no dependencies: relative paths and node: modules only)`,
    ],
    [
      'bullmq outside its part',
      'src/app/app.ts',
      `const { Queue } = require("bullmq");`,
      `src/app/app.ts:1: imports 'bullmq' (no dependencies: relative paths and node: modules only)`,
    ],
    [
      'fs outside files.ts',
      'src/spool/spool.ts',
      `import {\n  readFile,\n} from 'node:fs/promises';`,
      `src/spool/spool.ts:3: imports 'node:fs/promises' (only src/spool/disk/files.ts touches the spool's files, and only src/app/project/project.ts and src/app/project/write.ts the user's project)`,
    ],
    [
      'Date.now in job',
      'src/job/job.ts',
      `export const now = Date.now();`,
      'src/job/job.ts:1: Date.now (src/job is pure: no I/O, clock or randomness)',
    ],
    [
      'new Date() in job',
      'src/job/job.ts',
      `export const now = new Date();`,
      'src/job/job.ts:1: new Date() (src/job is pure: no I/O, clock or randomness)',
    ],
    [
      'Math.random in job',
      'src/job/job.ts',
      'export const dice = `${Math.random()}`;',
      'src/job/job.ts:1: Math.random (src/job is pure: no I/O, clock or randomness)',
    ],
    [
      'process in job',
      'src/job/job.ts',
      `const pid = process.pid;`,
      'src/job/job.ts:1: process. (src/job is pure: no I/O, clock or randomness)',
    ],
    [
      'node:crypto in job',
      'src/job/names.ts',
      `import { randomBytes } from 'node:crypto';`,
      `src/job/names.ts:1: imports 'node:crypto' (src/job is pure: no I/O, clock or randomness)`,
    ],
    [
      'console outside cli',
      'src/app/app.ts',
      `console.log(1);`,
      'src/app/app.ts:1: console. (only src/cli prints; src/worker/child.ts and src/worker/log.ts may name process.stderr)',
    ],
    [
      'process.stderr outside cli',
      'src/spool/spool.ts',
      `process.stderr.write('x');`,
      'src/spool/spool.ts:1: process.stderr (only src/cli prints; src/worker/child.ts and src/worker/log.ts may name process.stderr)',
    ],
    [
      'process.stdout in the log',
      'src/worker/log.ts',
      `process.stdout.write('x');`,
      'src/worker/log.ts:1: process.stdout (only src/cli prints; src/worker/child.ts and src/worker/log.ts may name process.stderr)',
    ],
    [
      'code in the index',
      'src/index.ts',
      `export * from './job/job.ts';\nexport const version = 1;`,
      'src/index.ts:2: export const version = 1; (src/index.ts holds `export … from` and nothing else)',
    ],
    [
      'an enum',
      'src/job/job.ts',
      `export const enum State { Ready }`,
      'src/job/job.ts:1: enum State { (no enum, namespace or any)',
    ],
    [
      'a namespace',
      'src/job/job.ts',
      `export namespace Jobs { }`,
      'src/job/job.ts:1: namespace Jobs { (no enum, namespace or any)',
    ],
    [
      'an any annotation',
      'src/job/job.ts',
      `export let value: any = 1;`,
      'src/job/job.ts:1: any (no enum, namespace or any)',
    ],
    [
      'an any in a type argument',
      'src/job/job.ts',
      `type Bag = Record<string, any>;`,
      'src/job/job.ts:1: any (no enum, namespace or any)',
    ],
    ['as any', 'src/job/job.ts', `const x = y as any;`, 'src/job/job.ts:1: any (no enum, namespace or any)'],
    [
      'an error told by its class',
      'src/app/execute.ts',
      `if (x instanceof TypeError || y instanceof FsqError) throw x;`,
      'src/app/execute.ts:1: instanceof TypeError (no instanceof of a class of the language or of Node.js: other realms have their own)',
    ],
    [
      'bytes told by their class',
      'src/worker/outlet.ts',
      `const is = x instanceof Uint8Array;`,
      'src/worker/outlet.ts:1: instanceof Uint8Array (no instanceof of a class of the language or of Node.js: other realms have their own)',
    ],
    ['a file of 301 lines', 'src/job/job.ts', '\n'.repeat(301), 'src/job/job.ts:1: 301 lines (a file has at most 300)'],
  ];

  for (const [what, path, text, complaint] of bad) {
    test(what, () => {
      assert.deepEqual(violations(new Map([[path, text]])), [complaint]);
    });
  }
});

describe('no complaint is made about', () => {
  const good: readonly [what: string, path: string, text: string][] = [
    [
      'imports that point one way',
      'src/worker/child.ts',
      `import { app } from '../app/app.ts';\nimport { open } from '../open.ts';`,
    ],
    [
      'open naming brokers',
      'src/open.ts',
      `import { Spool } from './spool/spool.ts';\nimport { bull } from './bullmq/bullmq.ts';`,
    ],
    [
      'folders of the spool importing those below, and files that lie in none',
      'src/spool/doctor/repair.ts',
      `import { recover } from '../recovery/recover.ts';\nimport { layoutOf } from '../layout.ts';\nimport './visit.ts';`,
    ],
    ['fs in the files that own it', 'src/spool/disk/files.ts', `import { open } from 'node:fs/promises';`],
    ['fs where the user’s project is read', 'src/app/project/project.ts', `import { readFileSync } from 'node:fs';`],
    ['the cli printing', 'src/cli/report.ts', `console.log(process.stdout.columns);`],
    ['the log naming process.stderr', 'src/worker/log.ts', `export const out = process.stderr;`],
    [
      'comments, messages and patterns',
      'src/job/job.ts',
      '// console.log, Date.now()\n/* any: any */ const a = "process.pid : any";\nconst b = `import("node:fs") ${a} : any`;\nconst c = /[/"]Math.random: any/.test(a) ? 1 / 2 : 3;\nconst d = "it’s \\" console.log(1)";',
    ],
    ['a date from a number', 'src/job/job.ts', `export const day = new Date(0).toISOString();`],
    [
      'names that hold a forbidden word',
      'src/job/job.ts',
      `const process_ = { any: 1, enum: 2 }; AbortSignal.any([]); subprocess.kill(); const many: number = 1;`,
    ],
    [
      'an index that re-exports',
      'src/index.ts',
      `/** Public. */\nexport { task, type Task } from './app/task.ts';\nexport type * from './job/job.ts';`,
    ],
    ['a file of 300 lines', 'src/job/job.ts', '\n'.repeat(300)],
    ['what lies outside src', 'test/support/x.ts', `import fs from 'node:fs'; console.log(fs);`],
  ];

  for (const [what, path, text] of good) {
    test(what, () => {
      assert.deepEqual(violations(new Map([[path, text]])), []);
    });
  }
});

function sourcesOf(root: string): Map<string, string> {
  const names = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  return new Map(names.map((name) => [`src/${name}`, readFileSync(join(root, 'src', name), 'utf8')]));
}
