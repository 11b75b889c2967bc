const { add } = require('./tasks.cjs');

async function main() {
  const result = await add.delay(1, 2);
  console.log(await result.get('20s'));
}

main();
