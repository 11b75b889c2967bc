/** The files of the page, as they are built: read once, and kept as they are sent. With the few others that the page's server touches. */
import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, unlinkSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { FsqError } from '../job/errors.ts';
import { peek } from '../job/values/realm.ts';
import { begin, send } from './http/respond.ts';

/** By the path below the page. */
const FILES: Readonly<Record<string, { readonly file: string; readonly type: string }>> = {
  '/': { file: 'index.html', type: 'text/html; charset=utf-8' },
  '/page.js': { file: 'page.js', type: 'text/javascript; charset=utf-8' },
  '/page.css': { file: 'page.css', type: 'text/css; charset=utf-8' },
};

interface PageFile {
  readonly plain: Buffer;
  readonly zipped: Buffer;
  readonly etag: string;
}

const read = new Map<string, PageFile>();

export function isPagePath(path: string): boolean {
  return Object.hasOwn(FILES, path);
}

/** @throws FsqError when the page is not there */
export function sendPageFile(request: IncomingMessage, response: ServerResponse, path: string): void {
  const found = FILES[path];
  if (found === undefined) throw new FsqError('FSQ_USAGE', `There is no ${path} here`);
  const { plain, zipped, etag } = fileOf(found.file);
  const fields = { 'content-type': found.type, 'cache-control': 'no-cache', etag, vary: 'accept-encoding' };
  if (request.headers['if-none-match'] === etag) {
    begin(response, 304, fields);
    response.end();
    return;
  }
  const takesZipped = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
  if (takesZipped) send(request, response, 200, zipped, { ...fields, 'content-encoding': 'gzip' });
  else send(request, response, 200, plain, fields);
}

function fileOf(name: string): PageFile {
  const known = read.get(name);
  if (known !== undefined) return known;
  const plain = contentOf(name);
  const etag = `"${createHash('sha1').update(plain).digest('base64url')}"`;
  const file = { plain, zipped: gzipSync(plain), etag };
  read.set(name, file);
  return file;
}

/** In dist/ they lie beside the folder of this code; seen from src/ they are there too. */
function contentOf(name: string): Buffer {
  const places = ['../page/', '../../dist/page/'].map((place) => new URL(place + name, import.meta.url));
  for (const place of places) {
    try {
      return readFileSync(place);
    } catch (error) {
      if (peek(error, 'code') !== 'ENOENT') throw error;
    }
  }
  throw new FsqError(
    'FSQ_USAGE',
    `The page's file ${name} is not beside fsq's code (${places.map(({ pathname }) => pathname).join(', ')}). In a bundle leave fsq where it is: list it as external`,
  );
}

/** The version of this fsq; 'unknown' in a bundle, which does not have it. */
export function ownVersion(): string {
  try {
    const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    return String(peek(manifest, 'version') ?? 'unknown');
  } catch {
    return 'unknown';
  }
}

/** Removes a Unix socket that nobody answers. What is no socket stays, and is told where somebody listens there. */
export function removeSocket(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true) unlinkSync(path);
}
