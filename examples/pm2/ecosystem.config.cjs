// pm2 start ecosystem.config.cjs
module.exports = {
  apps: [
    {
      name: 'fsq',
      script: 'node_modules/fsq/bin/fsq.js',
      args: 'worker --concurrency 4',
      // A worker has children of its own: pm2's cluster is for programs that listen on a port.
      exec_mode: 'fork',
      instances: 2,
      // The worker says that it is ready when its first child can take jobs.
      wait_ready: true,
      listen_timeout: 30_000,
      // pm2 sends SIGINT, and SIGKILL after this: a little more than the worker gives its jobs.
      kill_timeout: 70_000,
      // To the worker alone. By default pm2 sends it to all that the worker and its jobs have started.
      treekill: false,
      env: {
        NODE_ENV: 'production',
        FSQ_SHUTDOWN_TIMEOUT: '60s',
      },
      // A wrong setting does not mend itself.
      stop_exit_codes: [78],
      exp_backoff_restart_delay: 200,
    },
  ],
};
