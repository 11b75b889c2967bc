import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import test from 'node:test';
import { REPOSITORY } from '../support/project.ts';
import { anchors, links } from '../support/markdown.ts';

test('every relative link in a Markdown file leads to a file, and its anchor to a heading', () => {
  const pages = markdownFiles();

  const dead = pages.flatMap(deadLinks);

  assert.ok(pages.includes('README.md'), `README.md is not among ${pages.join(', ')}`);
  assert.deepEqual(dead, []);
});

test('every relative link in a Markdown file of the package leads to a file of the package', () => {
  const { stdout } = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: REPOSITORY,
    encoding: 'utf8',
  });
  const packed: readonly string[] = JSON.parse(stdout)[0].files.map(({ path }: { readonly path: string }) => path);
  const pages = packed.filter((path) => path.endsWith('.md'));

  const missing = pages.flatMap((page) =>
    links(readFileSync(join(REPOSITORY, page), 'utf8'))
      .filter(({ target }) => !/^[a-z]+:|^#/.test(target))
      .map(({ target, line }) => ({ page, line, path: join(dirname(page), target.replace(/#.*$/, '')) }))
      .filter(({ path }) => !packed.includes(path)),
  );

  assert.ok(pages.includes('README.md'), `README.md is not among ${pages.join(', ')}`);
  assert.deepEqual(missing, []);
});

test('every picture of the documentation is shown on a page', () => {
  const pictures = readdirSync(join(REPOSITORY, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(?:svg|png|webp)$/.test(file))
    .map((file) => join('docs', file));

  const shown = new Set(
    markdownFiles().flatMap((page) =>
      links(readFileSync(join(REPOSITORY, page), 'utf8')).map(({ target }) => join(dirname(page), target)),
    ),
  );

  assert.ok(pictures.length > 5, `only ${pictures.join(', ')}`);
  assert.deepEqual(
    pictures.filter((picture) => !shown.has(picture)),
    [],
  );
});

/** Tracked ones and new ones that nobody ignores, relative to the repository. */
function markdownFiles(): readonly string[] {
  const { stdout } = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
    cwd: REPOSITORY,
    encoding: 'utf8',
  });
  return stdout.split('\n').filter((file) => file !== '' && existsSync(join(REPOSITORY, file)));
}

function deadLinks(page: string): readonly string[] {
  const markdown = readFileSync(join(REPOSITORY, page), 'utf8');
  return links(markdown).flatMap(({ target, line }) => {
    if (/^[a-z]+:/.test(target)) return [];
    const [file = '', anchor] = target.split('#');
    const path = file === '' ? join(REPOSITORY, page) : resolve(REPOSITORY, dirname(page), file);
    if (relative(REPOSITORY, path).startsWith('..')) return [`${page}:${line}: ${target} leads out of the repository`];
    if (!existsSync(path)) return [`${page}:${line}: ${target} does not exist`];
    if (anchor === undefined || anchors(readFileSync(path, 'utf8')).has(anchor)) return [];
    return [`${page}:${line}: ${target} has no such heading`];
  });
}
