/** The page as it is built: how large it is, and that it keeps the rules under which its server sends it. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BUILT = join(ROOT, 'dist/page');
const MOST_BYTES = 45 * 1024;
const MOST_LINES = 300;
const MOST_FILES = 12;

const built = (file: string): string => readFileSync(join(BUILT, file), 'utf8');
const sources = readdirSync(join(ROOT, 'page'), { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.(tsx?|css|html)$/.test(file))
  .map((file) => ({ file, text: readFileSync(join(ROOT, 'page', file), 'utf8') }));

test('the page has four files, and all of it is at most 45 KB on its way', (t) => {
  const files = readdirSync(BUILT).toSorted();

  const bytes = files.reduce((total, file) => total + gzipSync(readFileSync(join(BUILT, file))).length, 0);

  t.diagnostic(`${bytes} bytes, gzipped`);
  assert.deepEqual(files, ['THIRD-PARTY', 'index.html', 'page.css', 'page.js']);
  assert.ok(bytes <= MOST_BYTES, `${bytes} bytes`);
});

test('what is built in has its licence beside it', () => {
  assert.match(built('THIRD-PARTY'), /preact \d+\.\d+\.\d+\n[^]*MIT License[^]*Permission is hereby granted/);
});

test('the document asks for its own two files, and has no script or style within', () => {
  const html = built('index.html');

  assert.deepEqual(
    [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, to]) => to?.replace(/^data:.*/, 'data:')),
    ['data:', 'page.css', 'page.js'],
  );
  assert.doesNotMatch(html, /<style|style=|<base|<script[^>]*>[^<]|\son\w+=/);
});

test('no text of others becomes markup or code, and nothing is asked of another origin', () => {
  for (const [what, pattern] of [
    ['markup from text', /dangerouslySetInnerHTML|innerHTML\s*=|insertAdjacentHTML|document\.write/],
    ['code from text', /\beval\(|new Function\b/],
    ['another origin', /https?:\/\/(?!www\.w3\.org\/)/],
  ] as const) {
    const found = sources.filter(({ text }) => pattern.test(text)).map(({ file }) => file);
    assert.deepEqual(found, [], what);
  }
  assert.doesNotMatch(built('page.css'), /@import|url\(/);
});

test('the page takes only types from src/, and those of the wire', () => {
  const imports = sources.flatMap(({ text }) => text.match(/^import [^;]*?\/src\/[^;]*;/gm) ?? []);

  assert.ok(imports.length > 10, `${imports.length} imports`);
  assert.deepEqual(
    imports.filter((line) => !/^import type .*\/src\/(ui\/wire(?:-workers)?|job\/values\/json)\.ts';$/s.test(line)),
    [],
  );
});

test('the house rules hold for the page as well: short files, and few in a folder', () => {
  const folders = new Map<string, number>();
  for (const { file } of sources) {
    const folder = file.replace(/[^/]*$/, '');
    folders.set(folder, (folders.get(folder) ?? 0) + 1);
  }

  assert.deepEqual(
    sources
      .filter(({ file, text }) => !file.endsWith('.css') && text.split('\n').length > MOST_LINES)
      .map(({ file }) => file),
    [],
  );
  assert.deepEqual(
    [...folders].filter(([, files]) => files > MOST_FILES),
    [],
  );
});
