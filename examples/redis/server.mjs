// server.mjs
import { createServer } from 'node:http';
import { createApp } from 'fsq';
import { resize } from './tasks.mjs';

const app = createApp();
const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  answer(`${request.method} ${pathname}`, searchParams)
    .then(({ status, ...body }) => response.writeHead(status).end(JSON.stringify(body)))
    .catch((error) => response.writeHead(500).end(`${error.code ?? error.name}\n`));
});

async function answer(asked, query) {
  if (asked === 'POST /images') return { status: 202, id: (await resize.delay(query.get('name') ?? 'unnamed')).id };
  const id = /^GET \/jobs\/([\w-]+)$/.exec(asked)?.[1];
  if (id !== undefined) return { status: 200, state: await app.result(id).state() };
  return { status: 404, error: 'POST /images?name=…, GET /jobs/ID' };
}

// Process 1 of a container gets no signal that it does not ask for.
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => server.close());
server.listen(Number(process.env.PORT ?? 3_000), () => console.log(`listening on port ${server.address().port}`));
