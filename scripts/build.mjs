/**
 * Builds src/ and page/ into dist/, or does nothing when dist/ is already what they give: JavaScript in few files and their source maps
 * (rolldown.config.mjs), the page for browsers (page-bundle.mjs), and a declaration for each source (tsc), with one for the CommonJS
 * build (commonjs-types.mjs).
 *
 * It emits without a type check, so that a type error in one file does not keep every test from running; `npm run typecheck`
 * is where types fail. Two builds may run at once, and programs may run from dist/ meanwhile: both tools write into a directory
 * of their own, then each changed file is renamed into place. What two builds leave behind between them is seen by the next one,
 * because dist/.build.json holds the hash of the sources and of the files made from them.
 *
 * With SOURCE_MAPS=unnamed the source maps are there, but the JavaScript does not name them: for coverage (scripts/coverage.mjs).
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commonJsTypes } from './commonjs-types.mjs';
import { isMain } from './is-main.mjs';

const STAMP = '.build.json';
/** What the output depends on besides src/ and page/: this script too, since it edits the declarations. */
const TSC_SETTINGS = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'];
const SETTINGS = TSC_SETTINGS.concat(
  'rolldown.config.mjs',
  'scripts/build.mjs',
  'scripts/commonjs-types.mjs',
  'scripts/page-bundle.mjs',
);

/**
 * Brings `root`/dist up to date and says whether there was anything to do.
 *
 * @param {string} root the directory of package.json
 * @returns {'built' | 'unchanged'}
 * @throws when tsc or the bundler fails; dist/ is then as it was
 */
export function build(root) {
  const own = ['src', 'page'].flatMap((dir) => filesUnder(join(root, dir)).map((file) => join(dir, file)));
  const sources = [hashOf(root, [...SETTINGS, ...own]), process.env.SOURCE_MAPS].filter(Boolean).join(' ');
  if (isUpToDate(root, sources)) return 'unchanged';

  const fresh = mkdtempSync(join(root, '.dist-')); // Beside dist/: the paths in source maps count from there.
  try {
    declare(root, fresh);
    bundle(root, fresh);
    pointDeclarationsAtJavaScript(fresh);
    declareCommonJs(fresh);
    replaceDist(root, fresh, sources);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return 'built';
}

function isUpToDate(root, sources) {
  const dist = join(root, 'dist');
  const stamp = readIfThere(join(dist, STAMP));
  if (stamp === null) return false;
  const made = JSON.parse(stamp.toString());
  return made.sources === sources && made.dist === hashOf(dist, builtFiles(dist));
}

function declare(root, outDir) {
  run(
    root,
    'typescript/bin/tsc',
    '-p',
    'tsconfig.build.json',
    '--noCheck',
    '--emitDeclarationOnly',
    '--outDir',
    outDir,
  );
}

function bundle(root, outDir) {
  run(root, 'rolldown/bin/cli.mjs', '-c', 'rolldown.config.mjs', '--logLevel', 'warn', '--dir', outDir);
}

function run(root, tool, ...args) {
  const path = join(root, 'node_modules', tool);
  const { status, stdout, stderr } = spawnSync(process.execPath, [path, ...args], { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${tool} could not build src/:\n${stdout}${stderr}`);
}

/** tsc rewrites `./x.ts` to `./x.js` in JavaScript only; in a declaration it would send a consumer to a file that is not there. */
function pointDeclarationsAtJavaScript(dir) {
  for (const file of filesUnder(dir).filter((name) => name.endsWith('.d.ts'))) {
    const path = join(dir, file);
    writeFileSync(path, readFileSync(path, 'utf8').split('\n').map(withJavaScriptSpecifiers).join('\n'));
  }
}

function declareCommonJs(dir) {
  for (const entry of ['index', 'testing/testing', 'ui/ui']) {
    const text = readIfThere(join(dir, `${entry}.d.ts`));
    if (text === null) continue;
    const types = commonJsTypes(basename(entry), text.toString(), (file) =>
      readFileSync(join(dir, dirname(entry), file), 'utf8'),
    );
    writeFileSync(join(dir, `${entry}.d.cts`), types);
  }
}

/**
 * One line of a declaration file with its relative `.ts` imports as `.js`; a line of a comment stays as it is.
 *
 * @param {string} line
 * @returns {string}
 */
export function withJavaScriptSpecifiers(line) {
  if (/^\s*(\*|\/\*|\/\/)/.test(line)) return line;
  return line.replace(/(\b(?:from|import)\s*\(?\s*)(['"])(\.{1,2}\/[^'"]*)\.ts\2/g, '$1$2$3.js$2');
}

/** If we die in here, the stamp is missing and the next build starts again. */
function replaceDist(root, fresh, sources) {
  const dist = join(root, 'dist');
  const files = filesUnder(fresh);
  const hash = hashOf(fresh, files);
  rmSync(join(dist, STAMP), { force: true });

  for (const file of files) {
    if (readIfThere(join(dist, file))?.equals(readFileSync(join(fresh, file)))) continue;
    mkdirSync(dirname(join(dist, file)), { recursive: true });
    renameSync(join(fresh, file), join(dist, file));
  }
  const wanted = new Set(files);
  for (const file of builtFiles(dist)) if (!wanted.has(file)) rmSync(join(dist, file), { force: true });

  writeFileSync(join(fresh, STAMP), `${JSON.stringify({ sources, dist: hash })}\n`);
  renameSync(join(fresh, STAMP), join(dist, STAMP));
}

function builtFiles(dist) {
  return filesUnder(dist).filter((file) => file !== STAMP);
}

/** The files under `dir`, relative to it and sorted; none when there is no such directory. */
function filesUnder(dir) {
  try {
    const entries = readdirSync(dir, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => relative(dir, join(entry.parentPath, entry.name)))
      .toSorted();
  } catch (error) {
    if (error.code === 'ENOENT') return [];
    throw error;
  }
}

/** One hash of the names and contents; a file that is not there counts as empty (a settings file, or another build's move). */
function hashOf(dir, files) {
  const hash = createHash('sha256');
  for (const file of files) {
    const content = readIfThere(join(dir, file)) ?? Buffer.alloc(0);
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

function readIfThere(path) {
  try {
    return readFileSync(path);
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

if (isMain(import.meta.url)) {
  const started = performance.now();
  try {
    const did = build(fileURLToPath(new URL('..', import.meta.url)));
    if (did === 'built') console.log(`dist/ built in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
