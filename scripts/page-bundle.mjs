/**
 * How page/ becomes dist/page/: one script, one style sheet, the document that names both, and the licences of what is built in.
 * All are small and none names a place of its own, so that a server can give them under any base path.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';

const ENTRY = 'page/main.tsx';

/** The packages that are built in, and what their licences say. */
const PARTS = ['preact'];

/** For rolldown.config.mjs: one configuration, or none where there is no page (the tests build projects of a few files). */
export function pageBundles() {
  if (!existsSync(ENTRY)) return [];
  return [
    {
      input: { page: ENTRY },
      platform: 'browser',
      tsconfig: 'page/tsconfig.json',
      transform: { target: 'es2022' },
      output: {
        format: 'esm',
        entryFileNames: 'page/[name].js',
        codeSplitting: false,
        minify: true,
        comments: false, // The licences are in a file of their own.
      },
      plugins: [{ name: 'beside the script', generateBundle: emitOthers }],
    },
  ];
}

function emitOthers() {
  const emit = (fileName, source) => this.emitFile({ type: 'asset', fileName: `page/${fileName}`, source });
  emit('index.html', readFileSync('page/index.html', 'utf8'));
  emit('page.css', styleSheet());
  emit('THIRD-PARTY', PARTS.map(licenceOf).join('\n\n'));
}

/** Its parts by the order of their names. */
function styleSheet() {
  const files = readdirSync('page/style').toSorted();
  return small(files.map((file) => readFileSync(`page/style/${file}`, 'utf8')).join('\n'));
}

/** Without comments and needless space. The page's style sheets have no text with either in it. */
function small(css) {
  return css
    .replace(/\/\*[^]*?\*\//g, '')
    .replace(/\s+/g, ' ')
    .replace(/ ?([{};,]) ?/g, '$1')
    .replace(/: /g, ':')
    .replaceAll(';}', '}')
    .trim();
}

function licenceOf(name) {
  const { version } = JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8'));
  return `${name} ${version}\n\n${readFileSync(`node_modules/${name}/LICENSE`, 'utf8').trim()}\n`;
}
