/** bull-board on a spool. Whoever reaches it can run jobs: put a login before it. */
import { createBullBoard } from '@bull-board/api';
import { ExpressAdapter } from '@bull-board/express';
import express from 'express';
import { createApp } from 'fsq';
import { SpoolAdapter } from './spool-adapter.js';

const app = createApp();
const board = new ExpressAdapter();
board.setBasePath('/queues');
createBullBoard({ queues: ['default', 'mail'].map((name) => new SpoolAdapter(app, name)), serverAdapter: board });

const server = express()
  .use('/queues', board.getRouter())
  .listen(Number(process.env.PORT ?? 3_000), '127.0.0.1');
server.on('listening', () => console.log(`http://127.0.0.1:${server.address().port}/queues`));
