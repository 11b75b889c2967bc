/** What each program loads at its start: a file costs half a millisecond, some of Node's own modules cost two. Counts, not times. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import test, { describe } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DIST = join(ROOT, 'dist');

/** What Node has loaded anyway when a program begins, or what is nearly free. */
const CHEAP = ['async_hooks', 'buffer', 'fs', 'module', 'os', 'path', 'timers/promises', 'url'];

interface Program {
  /** Files that are loaded one after the other. */
  readonly entries: readonly string[];
  readonly files: number;
  /** Parts of src/ of which nothing may be loaded. */
  readonly without: RegExp;
  /** Node's modules besides CHEAP. */
  readonly builtins: readonly string[];
}

const PROGRAMS: Readonly<Record<string, Program>> = {
  "import 'fsq'": { entries: ['index.js'], files: 2, without: /^src\/(worker|cli|spool\/doctor)\//, builtins: [] },
  'fsq call': {
    entries: ['cli/main.js', 'cli/call.js'],
    files: 4,
    without: /^src\/(worker|spool\/doctor)\//,
    builtins: ['util'],
  },
  'fsq help': {
    entries: ['cli/main.js', 'cli/help.js'],
    files: 4,
    without: /^src\/(?:worker|spool\/doctor|cli\/commands\/(?!call\/call-options|pipe\/json-lines))/,
    builtins: ['util'],
  },
  'fsq worker': {
    entries: ['cli/main.js', 'cli/worker.js'],
    files: 6,
    without: /^src\/spool\/doctor\//,
    builtins: ['child_process', 'crypto', 'util'],
  },
  "a worker's child": {
    entries: ['worker/child.js'],
    files: 3,
    without: /^src\/(cli|spool\/doctor)\//,
    builtins: [],
  },
};

describe('at its start', () => {
  for (const [name, { entries, files, without, builtins }] of Object.entries(PROGRAMS)) {
    test(`${name} loads ${files} files of dist/, and of Node only what it needs`, () => {
      const loaded = staticImports(entries);

      const sources = loaded.files.flatMap(sourcesOf);

      assert.ok(loaded.files.length <= files, `${loaded.files.length} files: ${loaded.files.join(', ')}`);
      assert.ok(loaded.builtins.includes('fs'), `of Node it loads ${loaded.builtins.join(', ')}`);
      assert.ok(sources.includes('src/job/errors.ts'), `the source maps name ${sources.length} sources`);
      assert.deepEqual(
        sources.filter((source) => without.test(source)),
        [],
      );
      assert.deepEqual(
        loaded.builtins.filter((builtin) => !CHEAP.includes(builtin) && !builtins.includes(builtin)),
        [],
      );
    });
  }

  test('nothing loads schedules, or the arithmetic of calendars, before a configuration has some; its licence lies with it', () => {
    const everything = [...Object.values(PROGRAMS).flatMap(({ entries }) => entries), 'testing/testing.js'];

    const { files } = staticImports(everything);

    const sources = files.flatMap(sourcesOf);
    assert.deepEqual(
      sources.filter((source) => /croner|\/schedules\/(?:cron|ticker|clockwork)\.ts$/.test(source)),
      [],
    );
    const croner = readFileSync(join(DIST, 'shared/croner.js'), 'utf8');
    assert.match(croner, /nextRun/);
    assert.match(croner, /\/\*! croner\nThe MIT License[^]*Copyright \(c\)[^]*\*\//);
    assert.doesNotMatch(readFileSync(join(DIST, 'index.cjs'), 'utf8'), /nextRun/);
    assert.match(readFileSync(join(DIST, 'testing/testing.cjs'), 'utf8'), /\/\*! croner\nThe MIT License/);
  });

  test('nothing loads BullMQ, its drivers, or what fsq has of them, before a setting names such a broker', () => {
    const everything = [...Object.values(PROGRAMS).flatMap(({ entries }) => entries), 'testing/testing.js'];

    const { files } = staticImports(everything);

    assert.deepEqual(
      files.flatMap(sourcesOf).filter((source) => /^src\/bullmq\/|node_modules\/(?:bullmq|ioredis|pg)\//.test(source)),
      [],
    );
    const all = readdirSync(DIST, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.js'));
    assert.ok(all.flatMap((file) => sourcesOf(join(DIST, file))).includes('src/bullmq/peers.ts'));
  });

  test('every package that is built in has its licence behind it, wherever it lies', () => {
    const maps = readdirSync(DIST, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.js.map'));
    const builtIn = maps.flatMap((map) => {
      const packages = sourcesOf(join(DIST, map.slice(0, -'.map'.length))).flatMap(
        (source) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(source)?.[1] ?? [],
      );
      return [...new Set(packages)].map((name) => ({
        name,
        code: readFileSync(join(DIST, map.slice(0, -'.map'.length)), 'utf8'),
      }));
    });

    assert.deepEqual([...new Set(builtIn.map(({ name }) => name))].toSorted(), ['croner', 'get-east-asian-width']);
    for (const { name, code } of builtIn)
      assert.match(code, new RegExp(`/\\*! ${name}\\n(?:The )?MIT License[^]*Copyright \\(c\\)[^]*\\*/`), name);
  });

  test("import 'fsq' makes Node load neither crypto nor net, child processes or worker threads", () => {
    const entry = JSON.stringify(pathToFileURL(join(DIST, 'index.js')).href);
    const program = `
      const before = new Set(process.moduleLoadList);
      await import(${entry});
      const after = process.moduleLoadList.filter((name) => !before.has(name));
      process.stdout.write(JSON.stringify(after));`;

    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
      encoding: 'utf8',
    });

    const names: string[] = JSON.parse(stdout === '' ? assert.fail(stderr) : stdout);
    const dear = /^NativeModule (?:crypto|net|tls|dgram|http|child_process|worker_threads|cluster|vm)$/;
    assert.deepEqual(
      names.filter((name) => dear.test(name)),
      [],
    );
  });
});

/** All that is loaded before the first line of these entries runs. */
function staticImports(entries: readonly string[]): { files: string[]; builtins: string[] } {
  const files = new Set<string>();
  const builtins = new Set<string>();
  const visit = (path: string): void => {
    if (files.has(path)) return;
    files.add(path);
    const code = readFileSync(path, 'utf8');
    for (const [, specifier = ''] of code.matchAll(/^(?:import|export)\s(?:[^;"]*\sfrom\s*)?"([^"]+)"/gm)) {
      assert.match(specifier, /^\./, `${path} imports Node's modules the slow way; see rolldown.config.mjs`);
      visit(join(dirname(path), specifier));
    }
    // At the beginning of a line: what a function loads when it is called stands further in.
    for (const [line] of code.matchAll(/^const .*getBuiltinModule\(.*$/gm)) {
      for (const [, name = ''] of line.matchAll(/getBuiltinModule\("node:([^"]+)"\)/g)) builtins.add(name);
    }
  };
  for (const entry of entries) visit(join(DIST, entry));
  return { files: [...files], builtins: [...builtins] };
}

/** The sources that went into a file of dist/, as 'src/job/job.ts'. A file that only passes names on has none. */
function sourcesOf(path: string): string[] {
  if (!existsSync(`${path}.map`)) return [];
  return JSON.parse(readFileSync(`${path}.map`, 'utf8')).sources.map((source: string) =>
    relative(ROOT, join(dirname(path), source)),
  );
}
