export default { resultTtl: '1h' };
