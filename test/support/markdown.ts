/** What a Markdown file of this repository consists of, as far as tests care: code blocks, links, headings. */

export interface CodeBlock {
  /** The word after the fence: 'ts', 'sh', 'console', 'text' …; '' when there is none. */
  readonly language: string;
  readonly text: string;
  /** Of the opening fence, from 1. */
  readonly line: number;
}

/** The fenced blocks, in order. A fence may be indented, as in a list. */
export function codeBlocks(markdown: string): readonly CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let open: { language: string; indent: number; line: number; lines: string[] } | null = null;
  for (const [i, line] of markdown.split('\n').entries()) {
    const fence = /^(\s*)```(\S*)/.exec(line);
    if (open === null && fence !== null) {
      open = { language: fence[2] ?? '', indent: fence[1]?.length ?? 0, line: i + 1, lines: [] };
    } else if (open !== null && fence !== null) {
      blocks.push({
        language: open.language,
        text: open.lines.map((text) => `${text}\n`).join(''),
        line: open.line,
      });
      open = null;
    } else open?.lines.push(line.slice(open.indent));
  }
  return blocks;
}

/** The text without fenced blocks and code spans: what may hold links and headings. Lines keep their numbers. */
function proseOf(markdown: string): string {
  return markdown.replace(/^\s*```[^]*?^\s*```/gm, (block) => block.replace(/[^\n]/g, '')).replace(/`[^`\n]*`/g, '');
}

export interface Link {
  readonly target: string;
  readonly line: number;
}

/** The targets of inline links and images. */
export function links(markdown: string): readonly Link[] {
  return proseOf(markdown)
    .split('\n')
    .flatMap((text, i) =>
      [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => ({ target: match[1] ?? '', line: i + 1 })),
    );
}

/** The anchors of the headings, made as GitHub makes them. */
export function anchors(markdown: string): ReadonlySet<string> {
  const found = new Set<string>();
  const withoutBlocks = markdown.replace(/^\s*```[^]*?^\s*```/gm, '');
  for (const match of withoutBlocks.matchAll(/^#{1,6} +(.+)$/gm)) {
    const slug = (match[1] ?? '')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replace(/\s/g, '-');
    let anchor = slug;
    for (let i = 1; found.has(anchor); i++) anchor = `${slug}-${i}`;
    found.add(anchor);
  }
  return found;
}
