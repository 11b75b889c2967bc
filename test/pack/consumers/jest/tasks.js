const { task } = require('fsq');

exports.add = task('add', async (a, b) => a + b);
