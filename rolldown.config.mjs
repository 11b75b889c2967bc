/**
 * How src/ becomes the JavaScript of dist/: few files, because Node needs about half a millisecond for each module it loads, and
 * a millisecond for 50 KB. `npm run build` (scripts/build.mjs) runs this and has tsc write the declarations.
 *
 * Every file but index.js lies one folder deep, as the sources do that say `new URL('../…', import.meta.url)`: this leads to the same
 * place from src/ and from dist/. Nothing is minified: the names in a stack trace are those of the sources.
 *
 * The page that `fsq ui` shows is for a browser, and so it is minified: scripts/page-bundle.mjs.
 *
 * What `import 'fsq'`, `import 'fsq/testing'` and `import 'fsq/ui'` give is there as CommonJS too, in one file each, for what cannot load ESM: Jest, and
 * bundles of that kind. All share what must be one in a process (src/app/registry.ts, src/app/settings/stage.ts). Workers, their children and the command line are ESM only.
 */
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { defineConfig } from 'rolldown';
import { pageBundles } from './scripts/page-bundle.mjs';

/** What is started or imported from outside. */
const ENTRIES = ['index', 'cli/main', 'cli/tasks-child', 'cli/top-looker', 'worker/child', 'testing/testing', 'ui/ui'];
/** What the library loads when it is needed, by its path (src/broker/late-code.ts): bundlers leave these where they are. */
const LATE_PARTS = ['bullmq/bull-broker', 'bullmq/doctor/examine-server', 'spool/moving/move-ends', 'ui/page-files'];
/** What there is in CommonJS too, each in one file of its own: in one process they share what src/app/registry.ts and stage.ts keep. */
const IN_COMMONJS = ['index', 'testing/testing', 'ui/ui'];

/** Doors to single modules for the programs in test/ that run from dist/; they are not packed. */
const TEST_DOORS = [
  'open',
  'app/migrating/migrate',
  'job/lifecycle',
  'spool/disk/context',
  'spool/disk/files',
  'spool/disk/identity',
  'spool/layout',
  'spool/owners/verdicts',
  'spool/spool',
];

/** What several programs need. The rest of src/ goes with the one program, or the one command, that uses it. */
const SHARED = [
  // What `import 'fsq'` loads, and so everybody: jobs, apps and the spool. With what it imports, but for commands and workers. Of what
  // tells people, only what programs that send jobs are told.
  {
    name: 'library',
    test: /src\/(?:open\.|(?:job|app(?!\/schedules|\/explaining|\/migrating|\/telling\/(?!diagnostics|standstill|warnings))|broker)\/)/,
    priority: 3,
  },
  // Loaded where a configuration has schedules, and then, for those with a cron pattern, croner.
  { name: 'croner', test: /src\/app\/schedules\/cron\.|node_modules\/croner\//, priority: 4 },
  { name: 'schedules', test: /src\/(?:app|worker)\/schedules\/|src\/testing\/test-schedules\./, priority: 3 },
  // What a worker's child and a command that looks at task modules have in common.
  {
    name: 'working',
    test: /src\/worker\/(?:child\/load-tasks|child\/ran-jobs|child\/lending|child\/runner|child\/slots|launch|log|messages|outlet|restart|time-limit)\./,
    priority: 2,
  },
  // What a worker, a drain and a test with a worker have in common.
  {
    name: 'supervising',
    test: /src\/(?:worker\/(?:child-process|crew|relay|supervisor|task-modules)|cli\/commands\/worker\/(?:queue-choice|start))\./,
    priority: 1,
  },
  // What commands say of one job.
  { name: 'explaining', test: /src\/app\/explaining\//, priority: 0 },
  // What commands have in common; each command is a file of its own.
  {
    name: 'command-line',
    test: /src\/(?:app\/telling\/runners|cli\/(?:terminal\/\w+|command|display|exit|lookup|setting-options|commands\/call\/call-options|commands\/pipe\/json-lines))\.|node_modules\/get-east-asian-width\//,
    priority: 1,
  },
  // What commands have in common that take many jobs at once.
  { name: 'choosing', test: /src\/cli\/(?:bulk|job-filter)\./, priority: 0 },
];

/** In front of all that is loaded first. */
const CHECK_OF_NODE =
  'if (typeof process.getBuiltinModule !== "function") throw Object.assign(new Error(' +
  '`fsq needs Node.js 20.19 or newer, and this is ${process.version}. Start the program with a newer one.`), { code: "FSQ_NODE" }); ';

/** The packages that are built in, and where their licences lie. */
const BUILT_IN = { croner: 'LICENSE', 'get-east-asian-width': 'license' };

/** Behind what holds one of them: its licence wants to be there. */
const licences = ({ moduleIds }) =>
  Object.entries(BUILT_IN)
    .filter(([name]) => moduleIds.some((id) => id.includes(`/node_modules/${name}/`)))
    .map(([name, file]) => `/*! ${name}\n${readFileSync(`node_modules/${name}/${file}`, 'utf8').trim()}\n*/`)
    .join('\n');

const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
const COMMON = {
  platform: 'node',
  external: /^node:/,
  transform: { target: 'es2023', define: { FSQ_VERSION: JSON.stringify(version ?? null) } },
};

export default defineConfig(
  [
    {
      ...COMMON,
      input: sourcesOf([...ENTRIES, ...LATE_PARTS, ...TEST_DOORS]),
      output: {
        format: 'esm',
        sourcemap: process.env.SOURCE_MAPS === 'unnamed' ? 'hidden' : true, // See scripts/coverage.mjs.
        entryFileNames: '[name].js',
        chunkFileNames: ({ facadeModuleId }) => `${folderOf(facadeModuleId)}/[name].js`,
        minifyInternalExports: false, // Two builds at once, or a program that runs meanwhile, see the same names.
        codeSplitting: { groups: SHARED },
        footer: licences,
        plugins: [{ name: 'builtins', renderChunk: (code) => ({ code: withQuickBuiltins(code), map: null }) }],
      },
    },
    ...IN_COMMONJS.map((name) => ({
      ...COMMON,
      input: sourcesOf([name]),
      output: {
        format: 'cjs',
        strict: true,
        entryFileNames: '[name].cjs',
        codeSplitting: false,
        footer: licences,
        plugins: [{ name: 'builtins', renderChunk: (code) => ({ code: withCheckOfNode(code), map: null }) }],
      },
    })),
    ...pageBundles(),
  ].filter(({ input }) => Object.keys(input).length > 0),
);

/** Those of src/ that are there: the tests build projects of a few files. */
function sourcesOf(names) {
  const sources = names.map((name) => [name, `src/${name}.ts`]);
  return Object.fromEntries(sources.filter(([, source]) => existsSync(source)));
}

/** A command goes where its frame is, what is shared into a folder of its own. */
function folderOf(source) {
  const path = source === null ? '' : relative('src', source);
  return path.startsWith('cli/') ? 'cli' : 'shared';
}

/**
 * `import fs from "node:fs"` as `const fs = process.getBuiltinModule("node:fs")`, the same object. Importing makes Node ask the module for
 * each of its exports, and some load more when they are asked: 2 of the 11 ms of `import 'fsq'`. The lines stay the same.
 */
function withQuickBuiltins(code) {
  const quick = code.replace(
    /^import (?:(?:\* as )?(\w+)(?:, )?)?(\{.*\})? from ("node:[^"]+");$/gm,
    (_line, whole, names, module) => {
      const source = `process.getBuiltinModule(${module})`;
      const declarations = [whole, names?.replaceAll(' as ', ': ')].filter((left) => left !== undefined);
      return `const ${declarations.map((left) => `${left} = ${source}`).join(', ')};`;
    },
  );
  return quick.includes(' = process.getBuiltinModule(') ? withCheckOfNode(quick) : quick;
}

/** An old Node.js would say that process.getBuiltinModule is not a function. On the first line, so that the others keep their numbers. */
function withCheckOfNode(code) {
  return code.startsWith('"use strict";') ? code.replace('\n', ` ${CHECK_OF_NODE}\n`) : `${CHECK_OF_NODE}${code}`;
}
