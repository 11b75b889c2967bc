/** The project that the tests of `fsq drain` have, and what its summary says. */

export const TASKS = {
  'tasks.mjs': `import { existsSync, writeFileSync } from 'node:fs';
import { task } from 'fsq';
const there = async (path) => { while (!existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 5)); };
task('ok', () => 42);
task('bad', () => { console.log('about to fail'); throw new TypeError('no \\u001b[2J way'); });
task('flaky', { retries: 1, backoff: '50ms' }, () => { throw new Error('again'); });
task('wait', async (path) => { writeFileSync(path + '.began', ''); await there(path); });
task('wait-and-fail', async (path) => { writeFileSync(path + '.began', ''); await there(path); throw new Error('late'); });
task('hang', async (path) => { writeFileSync(path + '.began', ''); await new Promise(() => setInterval(() => {}, 1000)); });
task('noise', () => { for (let i = 0; i < 1024; i++) console.log(String.fromCharCode(...Array.from({ length: 1024 }, (_, c) => c % 32 === 10 ? 7 : c % 32))); throw new Error('x'.repeat(100000) + '\\u0000'); });
task('die', { onCrash: 'fail' }, () => process.kill(process.pid, 'SIGKILL'));
task('overtime', { timeLimit: '300ms' }, () => { for (;;); });
task('die-late', { onCrash: 'fail' }, () => { const end = Date.now() + 300; while (Date.now() < end); process.kill(process.pid, 'SIGKILL'); });
`,
};

/** Of `--summary json`. */
export interface Summary {
  readonly exitCode: number;
  readonly end: string;
  readonly jobs: Readonly<Record<string, number>>;
  readonly left: readonly { readonly reason: string; readonly of: string; readonly jobs: number }[];
  readonly unfinished: number;
  readonly retries: number;
  readonly troubles: readonly {
    readonly id: string;
    readonly task: string;
    readonly ms: number | null;
    readonly output: readonly { text: string }[];
  }[];
}

export function summaryOf(stdout: string): Summary {
  return JSON.parse(stdout) as Summary;
}

export const JSON_SUMMARY: readonly string[] = ['drain', '-c', '2', '--summary', 'json'];
