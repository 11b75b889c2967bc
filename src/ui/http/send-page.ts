/** Sends the files of the page, which lie in the package fsq, also where this code is in a bundle. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { partOfFsq } from '../../broker/late-code.ts';
import { FsqError } from '../../job/errors.ts';
import type * as PageFiles from '../page-files.ts';
import { begin, isKnown, send } from './respond.ts';

const pageFiles = (): Promise<typeof PageFiles> => partOfFsq('ui/page-files.js') as Promise<typeof PageFiles>;

/** By the path below the page. */
const FILES: Readonly<Record<string, { readonly file: string; readonly type: string }>> = {
  '/': { file: 'index.html', type: 'text/html; charset=utf-8' },
  '/page.js': { file: 'page.js', type: 'text/javascript; charset=utf-8' },
  '/page.css': { file: 'page.css', type: 'text/css; charset=utf-8' },
};

export function isPagePath(path: string): boolean {
  return Object.hasOwn(FILES, path);
}

/** @throws UsageError (FSQ_PEER) in a bundle that finds no package fsq; FsqError when the page is not there */
export async function sendPageFile(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
  const found = FILES[path];
  if (found === undefined) throw new FsqError('FSQ_USAGE', `There is no ${path} here`);
  const { plain, zipped, etag } = (await pageFiles()).pageFile(found.file);
  const fields = { 'content-type': found.type, 'cache-control': 'no-cache', etag, vary: 'accept-encoding' };
  if (isKnown(request, etag)) {
    begin(response, 304, fields);
    response.end();
    return;
  }
  const takesZipped = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
  if (takesZipped) send(request, response, 200, zipped, { ...fields, 'content-encoding': 'gzip' });
  else send(request, response, 200, plain, fields);
}

export async function versionOfPage(): Promise<string> {
  return (await pageFiles()).ownVersion();
}
