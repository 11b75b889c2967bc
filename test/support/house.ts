/**
 * The house rules that can be counted: files in a folder, fields in a class, circles between files. Pure: from source texts to what
 * there is too much of.
 */
import { posix } from 'node:path';
import { type Source, sourcesOf, targetOf } from './architecture.ts';

const MOST_FILES = 12;
const MOST_FIELDS = 8;

/** Something of which there is more than there may be. */
export interface Excess {
  /** A folder, a class, or 'circles'. */
  readonly subject: string;
  readonly count: number;
  /** The whole complaint. */
  readonly message: string;
}

/** @param files path from the root of the checkout → text; only those under src/ are looked at */
export function excesses(files: ReadonlyMap<string, string>): readonly Excess[] {
  const sources = sourcesOf(files);
  return [...fullFolders(sources), ...sources.flatMap(fullClasses), ...circles(sources)];
}

function fullFolders(sources: readonly Source[]): readonly Excess[] {
  const counts = new Map<string, number>();
  for (const { path } of sources) counts.set(posix.dirname(path), (counts.get(posix.dirname(path)) ?? 0) + 1);
  return [...counts].flatMap(([folder, count]) =>
    count <= MOST_FILES
      ? []
      : { subject: folder, count, message: `${folder}: ${count} files (a folder has at most ${MOST_FILES})` },
  );
}

function fullClasses({ path, code }: Source): readonly Excess[] {
  return [...code.matchAll(/\bclass\s+([\w$]+)[^{]*\{/g)].flatMap(({ 0: head, 1: name = '', index }) => {
    const count = membersOf(code, index + head.length).filter(isField).length;
    const message = `${path}: ${count} fields in ${name} (a class has at most ${MOST_FIELDS})`;
    return count <= MOST_FIELDS ? [] : { subject: name, count, message };
  });
}

/** The texts of the members of a class whose body begins at `at`: each ends with a semicolon, or with its block. */
function membersOf(code: string, at: number): readonly string[] {
  const members: string[] = [];
  let depth = 0;
  let begin = at;
  for (let i = at; i < code.length; i++) {
    const char = code.charAt(i);
    if ('{(['.includes(char)) depth++;
    else if ('})]'.includes(char)) depth--;
    if (depth < 0) break;
    const isBlock = char === '}' && !/^\s*[;=|&.:?,)]|^\[/.test(code.slice(i + 1));
    if (depth > 0 || !(char === ';' || isBlock)) continue;
    members.push(code.slice(begin, i + 1).trim());
    begin = i + 1;
  }
  return members;
}

/** A field of an instance, with a type or a value; not a method, an accessor or a static. */
function isField(member: string): boolean {
  return /^(?:(?:readonly|declare|override|private|protected|public)\s+)*#?[\w$]+\s*[?!]?\s*[:=;]/.test(member);
}

/** All files that import themselves by way of others, types included. */
function circles(sources: readonly Source[]): readonly Excess[] {
  const imports = new Map(
    sources.map(({ path, imports: all }) => [path, all.flatMap(({ specifier }) => targetOf(path, specifier) ?? [])]),
  );
  const rings = sources.map(({ path }) => wayBack(path, imports)).filter((ring) => ring !== null);
  if (rings.length === 0) return [];
  const shortest = rings.toSorted((a, b) => a.length - b.length)[0] ?? [];
  const example = shortest.map((path) => path.replace('src/', '')).join(' → ');
  return [
    {
      subject: 'circles',
      count: rings.length,
      message: `${rings.length} files lie in circles, such as ${example} (no circle between files)`,
    },
  ];
}

/** The shortest way along imports from `path` to itself; null when there is none. */
function wayBack(path: string, imports: ReadonlyMap<string, readonly string[]>): readonly string[] | null {
  const ways: (readonly string[])[] = [[path]];
  const seen = new Set<string>();
  for (const way of ways) {
    for (const next of imports.get(way.at(-1) ?? '') ?? []) {
      if (next === path) return [...way, path];
      if (seen.has(next)) continue;
      seen.add(next);
      ways.push([...way, next]);
    }
  }
  return null;
}
