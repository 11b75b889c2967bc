/**
 * The files of the page, as they are built: read once, and kept as they are sent. With the few others that the page's server touches.
 *
 * A late part of fsq (src/broker/late-code.ts): a bundle with fsq in it has neither this code nor the page, and finds both in the package.
 */
import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, statSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { gzipSync } from 'node:zlib';
import { FsqError } from '../job/errors.ts';
import { peek } from '../job/values/realm.ts';

export interface PageFile {
  readonly plain: Buffer;
  readonly zipped: Buffer;
  readonly etag: string;
}

const read = new Map<string, PageFile>();

/** @throws FsqError when it is not there */
export function pageFile(name: string): PageFile {
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
    'FSQ_PEER',
    `The page's file ${name} is not in the package fsq (${places.map(({ pathname }) => pathname).join(', ')}): it is not whole. Install fsq again there`,
  );
}

let version: string | null = null;

/** The version of this fsq: another one may be installed in its place while this one goes on. */
export function ownVersion(): string {
  if (version !== null) return version;
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return (version = String(peek(manifest, 'version')));
}

/**
 * Removes a Unix socket that nobody answers. What is no socket stays.
 *
 * @returns what keeps one from being made there; null: nothing
 */
export function clearSocket(path: string): 'no folder' | 'no socket' | null {
  if (statSync(dirname(path), { throwIfNoEntry: false })?.isDirectory() !== true) return 'no folder';
  const entry = lstatSync(path, { throwIfNoEntry: false });
  if (entry === undefined) return null;
  if (!entry.isSocket()) return 'no socket';
  unlinkSync(path);
  return null;
}
