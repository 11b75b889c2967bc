// server.mjs
import { createServer } from 'node:http';
import { createApp } from 'fsq';
import { mail, resize } from './tasks.mjs';

const app = createApp();
const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  answer(request.method, pathname, searchParams)
    .then(({ status, body }) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
    )
    .catch((error) => response.writeHead(500).end(`${error.code ?? error.name}\n`));
});

async function answer(method, path, query) {
  if (method === 'POST' && path === '/images') return accepted(await resize.delay(query.get('name') ?? 'unnamed'));
  if (method === 'POST' && path === '/mails') return accepted(await mail.delay(query.get('to') ?? 'nobody'));
  const id = /^\/jobs\/([\w-]+)$/.exec(path)?.[1];
  if (method === 'GET' && id !== undefined) return { status: 200, body: { state: await app.result(id).state() } };
  return { status: 404, body: { error: 'POST /images?name=… or /mails?to=…, GET /jobs/ID' } };
}

function accepted({ id }) {
  return { status: 202, body: { id } };
}

// Process 1 of a container gets no signal that it does not ask for.
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => server.close());
server.listen(Number(process.env.PORT ?? 3_000), () => console.log(`listening on port ${server.address().port}`));
