/**
 * The rules of the architecture, as one pure function from source texts to complaints. Which part may know which is the table
 * below; the rest keeps the disk, the clock, the terminal and the size of files where they belong.
 */
import { posix } from 'node:path';
import { maskCode } from './code-mask.ts';

/** Which parts of src/ a part may import. They point one way: job ← broker ← spool | bullmq ← open, the only one that names brokers. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  job: ['job'],
  broker: ['job', 'broker'],
  spool: ['job', 'broker', 'spool'],
  bullmq: ['job', 'broker', 'bullmq'],
  open: ['job', 'broker', 'spool', 'bullmq'],
  app: ['job', 'broker', 'open', 'app'],
  worker: ['job', 'broker', 'open', 'app', 'worker'],
  ui: ['job', 'broker', 'open', 'app', 'ui'],
  cli: ['job', 'broker', 'spool', 'open', 'app', 'worker', 'ui', 'cli'],
  testing: ['job', 'broker', 'open', 'app', 'worker', 'testing'],
  index: ['job', 'broker', 'app'],
};

/** The folders of the spool, from the ground up: each may import those before it. */
export const SPOOL_FLOORS: readonly string[] = [
  'disk',
  'place',
  'keys',
  'job-file',
  'beside',
  'notes',
  'owners',
  'statistics',
  'after',
  'ready',
  'claims',
  'journal',
  'sending',
  'schedules',
  'results',
  'recovery',
  'revoking',
  'moving',
  'doctor',
  'following',
];

/** The file that touches the spool on disk, and those that look at the user's project instead, or write in it: config, task modules, reports. */
const FILES = 'src/spool/disk/files.ts';
const PROJECT_FILES: readonly string[] = ['src/app/project/project.ts', 'src/app/project/write.ts'];
/** The page's own files, which are part of fsq. */
const PAGE_FILES = 'src/ui/page-files.ts';
/** What processes take of this machine's memory. */
const PROC_FILE = 'src/ui/desk/overview/process-memory.ts';

/** The files outside src/cli that may name process.stderr: a worker's log, and the child that is one when its parent is gone. */
const STDERR_FILES: ReadonlySet<string> = new Set(['src/worker/child.ts', 'src/worker/log.ts']);

/** Packages that a part, or a file, may import by name; the rest of src/ needs Node.js only. */
const PACKAGES: Readonly<Record<string, RegExp>> = {
  bullmq: /^(?:bullmq|ioredis|pg)(?:\/|$)/,
  // Bundled into a chunk of its own: the package has no dependency.
  'src/app/schedules/cron.ts': /^croner$/,
  // Bundled into what commands have in common.
  'src/cli/terminal/width.ts': /^get-east-asian-width$/,
};

/** What is pure among Node's modules. */
const PURE_MODULES: ReadonlySet<string> = new Set(['node:util', 'node:buffer']);
const MAX_LINES = 300;

/** A file of src/. */
export interface Source {
  readonly path: string;
  /** The first folder under src/; of a file that lies in none its own name, such as `index`. */
  readonly part: string;
  /** The text without comments and without what stands in strings. */
  readonly code: string;
  readonly imports: readonly Import[];
  readonly lines: number;
}

interface Import {
  readonly specifier: string;
  readonly at: number;
}

interface Finding {
  /** An offset into the text. */
  readonly at: number;
  readonly found: string;
  readonly rule: string;
}

type Rule = (source: Source) => readonly Finding[];

/**
 * Complaints about `files` (path from the root of the checkout → text), each `file:line: what was found (which rule)`.
 * Only paths under src/ are looked at.
 */
export function violations(files: ReadonlyMap<string, string>): string[] {
  return sourcesOf(files).flatMap((source) => {
    const { path } = source;
    const text = files.get(path) ?? '';
    return RULES.flatMap((rule) => rule(source)).map(
      ({ at, found, rule }) => `${path}:${lineOf(text, at)}: ${found} (${rule})`,
    );
  });
}

/** Those of `files` that lie under src/. */
export function sourcesOf(files: ReadonlyMap<string, string>): readonly Source[] {
  return [...files].flatMap(([path, text]) => (path.startsWith('src/') ? read(path, text) : []));
}

/** The number of lines that half of `files` stay below. */
export function medianLines(files: ReadonlyMap<string, string>): number {
  const sizes = [...files.values()].map(countLines).toSorted((a, b) => a - b);
  return sizes[Math.floor(sizes.length / 2)] ?? 0;
}

const RULES: readonly Rule[] = [
  partIsKnown,
  importsPointOneWay,
  spoolPointsDown,
  needsNodeOnly,
  diskIsInOnePlace,
  jobIsPure,
  onlyTheCliPrints,
  indexOnlyExports,
  isErasable,
  holdsInAnyRealm,
  isShort,
];

function partIsKnown({ path, part }: Source): Finding[] {
  if (part in MAY_IMPORT) return [];
  return [
    {
      at: 0,
      found: `${path} is in no part of the architecture`,
      rule: `the parts are ${Object.keys(MAY_IMPORT).join(', ')}`,
    },
  ];
}

function importsPointOneWay({ path, part, imports }: Source): Finding[] {
  const allowed = MAY_IMPORT[part];
  return imports.flatMap(({ specifier, at }) => {
    const target = targetOf(path, specifier);
    if (target === null) return [];
    if (!target.startsWith('src/'))
      return [{ at, found: `imports ${target}`, rule: 'src imports nothing outside src' }];
    if (!target.endsWith('.ts'))
      return [{ at, found: `imports '${specifier}'`, rule: 'a relative import names its .ts file' }];
    if (allowed === undefined || allowed.includes(partOf(target))) return [];
    return [{ at, found: `imports ${target}`, rule: `${part} may import ${allowed.join(', ')} only` }];
  });
}

/** Files of src/spool/ itself hold the folders together: which of them a folder may know, the rule against circles says. */
function spoolPointsDown({ path, imports }: Source): Finding[] {
  const floor = floorOf(path);
  if (floor === null) return [];
  if (!SPOOL_FLOORS.includes(floor))
    return [{ at: 0, found: `src/spool/${floor}/ is on no floor`, rule: `the floors are ${SPOOL_FLOORS.join(', ')}` }];
  const below = SPOOL_FLOORS.slice(0, SPOOL_FLOORS.indexOf(floor) + 1);
  return imports.flatMap(({ specifier, at }) => {
    const target = floorOf(targetOf(path, specifier) ?? '');
    if (target === null || below.includes(target)) return [];
    return [
      { at, found: `imports src/spool/${target}/`, rule: `src/spool/${floor}/ may import ${below.join(', ')} only` },
    ];
  });
}

/** The folder of the spool in which a file lies; null for all others. */
function floorOf(path: string): string | null {
  return /^src\/spool\/([^/]+)\//.exec(path)?.[1] ?? null;
}

function needsNodeOnly({ path, part, imports }: Source): Finding[] {
  const allowed = PACKAGES[path] ?? PACKAGES[part];
  return imports.flatMap(({ specifier, at }) => {
    if (/^(node:|\.)/.test(specifier) || allowed?.test(specifier) === true) return [];
    return [{ at, found: `imports '${specifier}'`, rule: 'no dependencies: relative paths and node: modules only' }];
  });
}

function diskIsInOnePlace({ path, imports }: Source): Finding[] {
  const own = [FILES, PAGE_FILES, PROC_FILE, ...PROJECT_FILES];
  if (own.includes(path)) return [];
  return imports
    .filter(({ specifier }) => /^(node:)?fs(\/|$)/.test(specifier))
    .map(({ specifier, at }) => ({
      at,
      found: `imports '${specifier}'`,
      rule: `only ${FILES} touches the spool's files, and only ${PROJECT_FILES.join(' and ')} the user's project`,
    }));
}

function jobIsPure({ part, code, imports }: Source): Finding[] {
  if (part !== 'job') return [];
  const rule = 'src/job is pure: no I/O, clock or randomness';
  const impure =
    /\b(?:Date\.now|new Date\s*\(\s*\)|Math\.random|performance\.now|set(?:Timeout|Interval|Immediate)\s*\()|(?<![.\w$])(?:process|crypto)\s*[.[]/g;
  const modules = imports.filter(({ specifier }) => specifier.startsWith('node:') && !PURE_MODULES.has(specifier));
  return [
    ...modules.map(({ specifier, at }) => ({ at, found: `imports '${specifier}'`, rule })),
    ...matches(code, impure, rule),
  ];
}

function onlyTheCliPrints({ path, part, code, imports }: Source): Finding[] {
  if (part === 'cli') return [];
  const rule = `only src/cli prints; ${[...STDERR_FILES].join(' and ')} may name process.stderr`;
  const printing = STDERR_FILES.has(path)
    ? /\bconsole\s*[.[]|\bprocess\.stdout\b/g
    : /\bconsole\s*[.[]|\bprocess\.std(?:out|err)\b/g;
  const modules = imports.filter(({ specifier }) => /^node:(console|process)$/.test(specifier));
  return [
    ...modules.map(({ specifier, at }) => ({ at, found: `imports '${specifier}'`, rule })),
    ...matches(code, printing, rule),
  ];
}

function indexOnlyExports({ part, code }: Source): Finding[] {
  if (part !== 'index') return [];
  const rest = code.replace(
    /\bexport\s+(?:type\s+)?(?:\{[^}]*\}|\*(?:\s+as\s+\w+)?)\s+from\s+(['"])\s*\1\s*;?/g,
    (text) => text.replace(/[^\n]/g, ' '),
  );
  return matches(rest, /\S[^\n]*/g, 'src/index.ts holds `export … from` and nothing else');
}

function isErasable({ code }: Source): Finding[] {
  const rule = 'no enum, namespace or any';
  return [
    ...matches(code, /\benum\s+[A-Za-z_$][\w$]*\s*\{/g, rule),
    ...matches(code, /(?<![.\w$])namespace\s+[A-Za-z_$][\w$.]*\s*\{/g, rule),
    ...matches(code, /(?<=[:<|&,=([]\s*|\b(?:as|extends|satisfies|is)\s+)any\b(?!\s*[:(?.])/g, rule),
  ];
}

/** src/job/values/realm.ts tells what a value is; `Array.isArray` and `ArrayBuffer.isView` do for theirs. */
function holdsInAnyRealm({ code }: Source): Finding[] {
  const classes =
    /\binstanceof\s+(?:(?:Eval|Range|Reference|Syntax|Type|URI|Aggregate)?Error|Date|Map|Set|Promise|RegExp|Array|ArrayBuffer|Buffer|\w+Array|Abort\w+|Event\w*|URL)\b/g;
  return matches(code, classes, 'no instanceof of a class of the language or of Node.js: other realms have their own');
}

function isShort({ lines }: Source): Finding[] {
  if (lines <= MAX_LINES) return [];
  return [{ at: 0, found: `${lines} lines`, rule: `a file has at most ${MAX_LINES}` }];
}

function read(path: string, text: string): Source {
  const code = maskCode(text);
  return { path, part: partOf(path), code, imports: importsOf(text, code), lines: countLines(text) };
}

/** Static, dynamic and type imports, re-exports and require() that name their module; found in the code, read from the text. */
function importsOf(text: string, code: string): Import[] {
  const naming = /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)(['"])(\s*)\1/g;
  return [...code.matchAll(naming)].map((match) => {
    const end = match.index + match[0].length - 1;
    return { specifier: text.slice(end - (match[2]?.length ?? 0), end), at: match.index };
  });
}

/** The file that a relative specifier means, or null for any other. */
export function targetOf(path: string, specifier: string): string | null {
  return specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : null;
}

function partOf(path: string): string {
  return path.split('/')[1]?.replace(/\.ts$/, '') ?? '';
}

function matches(code: string, pattern: RegExp, rule: string): Finding[] {
  return [...code.matchAll(pattern)].map((match) => ({ at: match.index, found: match[0].trim(), rule }));
}

function lineOf(text: string, at: number): number {
  return text.slice(0, at).split('\n').length;
}

function countLines(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}
