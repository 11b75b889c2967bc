import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test, { describe } from 'node:test';
import { callSiteOf } from '../../../src/app/call-site.ts';

const SOURCE = new URL('../../../src/app/call-site.ts', import.meta.url).href;

test('the place of a call is that of whoever called, through helpers of both sides', () => {
  const called = (): ReturnType<typeof callSiteOf> => inner();
  const inner = (): ReturnType<typeof callSiteOf> => callSiteOf(called);
  const helper = (): ReturnType<typeof callSiteOf> => called();

  const site = helper();

  assert.match(site?.text ?? '', /\/test\/unit\/app\/call-site\.test\.ts:11$/);
  assert.equal(site?.file, new URL(import.meta.url).pathname);
  assert.match(site?.trace[1] ?? '', /call-site\.test\.ts:13:16$/);
});

test('the limit of stack traces stays what the program has set', () => {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = 3;
  try {
    const called = (): unknown => callSiteOf(called);
    called();

    assert.equal(Error.stackTraceLimit, 3);
  } finally {
    Error.stackTraceLimit = before;
  }
});

describe('stack traces that somebody has changed', () => {
  for (const [what, change, expected] of [
    ['not at all', '', 'FILE:3'],
    ['a limit of none', 'Error.stackTraceLimit = 0;', 'FILE:3'],
    ['no limit any more', 'delete Error.stackTraceLimit;', 'FILE:3'],
    ['a frozen Error', 'Object.freeze(Error);', 'FILE:3'],
    ['the sites themselves', 'Error.prepareStackTrace = (_, sites) => sites;', 'FILE:3'],
    ['the frames without "at"', 'Error.prepareStackTrace = (error, sites) => sites.join("\\n");', 'FILE:3'],
    ['an object', 'Error.prepareStackTrace = () => ({});', 'null'],
    ['nothing', 'Error.prepareStackTrace = () => undefined;', 'null'],
    ['an error', 'Error.prepareStackTrace = () => { throw new Error("no"); };', 'null'],
    ['sites that cannot be printed', 'Error.prepareStackTrace = () => [{ toString() { throw 1; } }];', 'null'],
    ['no captureStackTrace', 'delete Error.captureStackTrace;', 'null'],
  ] as const) {
    test(`${what}: the place is ${expected}, and nothing is thrown`, () => {
      const { printed, stderr } = siteIn(change);

      assert.equal(printed, expected, stderr);
    });
  }

  test('with --frozen-intrinsics', () => {
    const { printed, stderr } = siteIn('', ['--frozen-intrinsics']);

    assert.equal(printed, 'FILE:3', stderr);
  });
});

describe('the file of a call is read from', () => {
  for (const [line, expected] of [
    ['    at Object.<anonymous> (/app/(a)/tasks.cjs:3:1)', '/app/(a)/tasks.cjs'],
    ['    at /app/x#1?2/tasks.cjs:3:1', '/app/x#1?2/tasks.cjs'],
    ['    at file:///app/x%231/(b)/tasks.mjs?t=17#frag:3:1', '/app/x#1/(b)/tasks.mjs'],
    ['    at async file:///app/tasks.mjs:3:1', '/app/tasks.mjs'],
    ['    at Object.<anonymous> (/home/ada/My Work (copy)/tasks.js:3:1)', '/home/ada/My Work (copy)/tasks.js'],
    ['    at new Api [as one] (C:\\work\\tasks.js:3:1)', 'C:\\work\\tasks.js'],
    ['    at eval (webpack-internal:///(rsc)/./app/(a)/tasks.ts:3:1)', 'webpack-internal:///(rsc)/./app/(a)/tasks.ts'],
    ['    at __webpack_require__ (webpack://app/./tasks.ts?f00d:3:1)', 'webpack://app/./tasks.ts'],
    ['    at file://elsewhere/tasks.mjs:3:1', 'file://elsewhere/tasks.mjs'],
    ['    at eval (eval at run (/app/a.js:9:9), <anonymous>:3:1)', null],
    ['    at Array.map (<anonymous>)', null],
    ['    at evalmachine.<anonymous>:3:1', null],
    ['    at ModuleJob.run (node:internal/modules/esm/module_job:325:25)', null],
    ['(', null],
  ] as const) {
    test(line, () => {
      const before = Error.prepareStackTrace;
      Error.prepareStackTrace = () => `Error\n${line}\n`;
      try {
        const called = (): ReturnType<typeof callSiteOf> => callSiteOf(called);
        const site = called();

        assert.equal(site?.file ?? null, expected);
      } finally {
        Error.prepareStackTrace = before;
      }
    });
  }
});

/** What a program of its own prints that asks for a place in line 3 of a file of the name FILE, after `change`. */
function siteIn(change: string, options: readonly string[] = []): { printed: string; stderr: string } {
  const program = `
    import { callSiteOf } from ${JSON.stringify(SOURCE)};
    import vm from 'node:vm';
    const called = () => callSiteOf(called);
    ${change}
    const site = vm.runInThisContext('(called) =>\\n\\n called()', { filename: '/FILE' })(called);
    process.stdout.write(String(site && site.text.slice(1)));`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [...options, '--import', 'tsx', '--input-type=module', '--eval', program],
    { encoding: 'utf8' },
  );
  return { printed: stdout, stderr };
}
