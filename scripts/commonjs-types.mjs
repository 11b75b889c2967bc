/**
 * The declarations of the CommonJS build, made from those of the ESM one: each name is declared to be what it is there, so that a
 * program that meets both sees one set of types, and nothing is declared twice. TypeScript 5.4 or newer reads them, as those of the ESM build.
 */
const AS_IMPORT = `{ 'resolution-mode': 'import' }`;

/**
 * @param {string} entry its name, such as 'index'
 * @param {string} declarations the text of its d.ts: nothing but `export { … } from './….js';`
 * @param {(file: string) => string} read gives the text of a declaration file that it names
 * @returns {string} the text of its d.cts
 */
export function commonJsTypes(entry, declarations, read) {
  const esm = `'./${entry}.js'`;
  const types = [];
  const values = [];
  for (const [, keyword, list, file] of declarations.matchAll(/^export (type )?\{([^}]*)\} from '([^']+)';$/gm)) {
    for (const item of list.split(',').map((text) => text.trim())) {
      const [, isType, name] = /^(type )?(\w+)$/.exec(item) ?? [];
      if (name === undefined) continue; // Behind the last comma.
      if (keyword !== undefined || isType !== undefined) types.push(name);
      else values.push({ name, parameters: classParameters(read(file.replace(/\.js$/, '.d.ts')), name) });
    }
  }
  return [
    `/** The CommonJS build of fsq has the types of the ESM one. */`,
    `import type * as fsq from ${esm} with ${AS_IMPORT};`,
    `export type { ${types.join(', ')} } from ${esm} with ${AS_IMPORT};`,
    ...values.flatMap(({ name, parameters }) => [
      ...(parameters === null ? [] : [`export type ${name}${parameters.declared} = fsq.${name}${parameters.given};`]),
      `export declare const ${name}: typeof fsq.${name};`,
    ]),
    '',
  ].join('\n');
}

/** Null for what is no class: `name` is a value only. Otherwise its type parameters, as they are declared and as they are given on. */
function classParameters(declarations, name) {
  const match = new RegExp(
    `^export (?:declare )?(?:abstract )?class ${name}(<[^{]*?>)?(?: extends| implements| \\{)`,
    'm',
  ).exec(declarations);
  if (match === null) return null;
  const declared = match[1] ?? '';
  const names = [...declared.matchAll(/(?:^<|, )(\w+)/g)].map((parameter) => parameter[1]);
  return { declared, given: names.length === 0 ? '' : `<${names.join(', ')}>` };
}
