/**
 * The shells that ask for completions: the script that each is given, how it hands over the line, and what it gets back. Pure.
 *
 * A script asks `fsq completion SHELL -- …` with what stands before the cursor. The answer is a line that says whether the shell has to look
 * for files, and a line for each candidate.
 */
import { escape } from '../../../job/text.ts';
import { cut, textWidth } from '../../terminal/width.ts';
import type { Candidate } from './live.ts';

export type Lookup = 'words' | 'files' | 'folders';

/** What can stand at the cursor: whole words, as they replace the one that is there. */
export interface Answer {
  readonly lookup: Lookup;
  readonly candidates: readonly Candidate[];
}

export interface Shell {
  readonly script: string;
  /** The words behind `fsq` up to the cursor, of what the script hands over. The last is not finished, and may be empty. */
  words(given: readonly string[]): readonly string[];
  /** The lines of the candidates. */
  lines(answer: Answer, given: readonly string[]): readonly string[];
}

/** Cells of a description; narrower terminals cut it themselves. */
const ABOUT_WIDTH = 60;

const aboutText = (about: string): string => cut(escape(about), ABOUT_WIDTH);

/** Bash knows no descriptions: it lists what it would insert, so a description stands behind a candidate only where several begin alike. */
const bash: Shell = {
  script: `# bash completion for fsq. Load it: source <(fsq completion bash)
_fsq() {
  local line lookup=words
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :*) lookup=\${line#:} ;;
      *) COMPREPLY+=("$line") ;;
    esac
  done < <("$1" completion bash -- "\${COMP_LINE:0:COMP_POINT}" "$2" "\${COMP_TYPE-}" 2>/dev/null)
  case $lookup in
    files) compopt -o default 2>/dev/null ;;
    folders) compopt -o dirnames 2>/dev/null ;;
  esac
}
complete -o nosort -F _fsq fsq 2>/dev/null || complete -F _fsq fsq
`,
  words: ([line = '']) => shellWords(line).slice(1),
  lines: ({ candidates }, [line = '', current = '', type = '']) => {
    // Bash begins a word anew behind : and =, and replaces only that.
    const typed = shellWords(line).at(-1) ?? '';
    const kept = typed.endsWith(current) ? typed.length - current.length : 0;
    const isInserted = candidates.length === 1 || INSERTING.includes(type);
    const values = candidates.map(({ value }) => value.slice(kept));
    if (isInserted) return values;
    const width = Math.max(...values.map(textWidth));
    return candidates.map(({ about }, i) =>
      about === '' ? (values[i] ?? '') : `${(values[i] ?? '').padEnd(width)}  (${aboutText(about)})`,
    );
  },
};

/** Ways of completing that put each candidate into the line: menu-complete and insert-completions, by their COMP_TYPE. */
const INSERTING: readonly string[] = ['37', '42'];

const zsh: Shell = {
  script: `#compdef fsq
# zsh completion for fsq. Load it: source <(fsq completion zsh)
_fsq() {
  local line lookup=words
  local -a found
  while IFS= read -r line; do
    case $line in
      :*) lookup=\${line#:} ;;
      *) found+=("$line") ;;
    esac
  done < <("\${(Q)words[1]}" completion zsh -- "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)
  case $lookup in
    files) compset -P '*='; _files ;;
    folders) compset -P '*='; _files -/ ;;
    *) (( \${#found} )) && _describe -V fsq found ;;
  esac
}
if [[ \${funcstack[1]} == _fsq ]]; then _fsq; else compdef _fsq fsq; fi
`,
  words: (given) => given,
  lines: ({ candidates }) =>
    candidates.map(({ value, about }) => {
      const safe = value.replaceAll('\\', '\\\\').replaceAll(':', '\\:');
      return about === '' ? safe : `${safe}:${aboutText(about)}`;
    }),
};

const fish: Shell = {
  script: `# fish completion for fsq. Load it: fsq completion fish | source
function __fsq_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l answer ($words[1] completion fish -- $words[2..-1] "$current" 2>/dev/null)
    switch "$answer[1]"
        case :files
            string replace -r '^(--[^=]+=)?' "$(string match -r -- '^--[^=]+=' "$current")" (__fish_complete_path (string replace -r '^--[^=]+=' '' -- "$current"))
        case :folders
            string replace -r '^(--[^=]+=)?' "$(string match -r -- '^--[^=]+=' "$current")" (__fish_complete_directories (string replace -r '^--[^=]+=' '' -- "$current") '')
        case '*'
            printf '%s\\n' $answer[2..-1]
    end
end
complete -c fsq -e
complete -c fsq -f -k -a '(__fsq_complete)'
`,
  words: (given) => given,
  lines: ({ candidates }) => candidates.map(({ value, about }) => tabbed(value, about)),
};

/** Old versions drop an argument that is empty, so the last one comes behind a sign. */
const powershell: Shell = {
  script: `# PowerShell completion for fsq. Load it: fsq completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName fsq -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $before = @($commandAst.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object {
    if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value } else { $_.Extent.Text }
  })
  $program = $before[0]
  $words = @($before | Select-Object -Skip 1)
  $answer = @(& $program completion powershell '--' @words "=$wordToComplete" 2>$null)
  if ($answer.Count -eq 0 -or $answer[0] -ne ':words') { return }
  $answer | Select-Object -Skip 1 | ForEach-Object {
    $value, $about = $_ -split "\`t", 2
    if (-not $about) { $about = $value }
    [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $about)
  }
}
`,
  words: (given) => [...given.slice(0, -1), (given.at(-1) ?? '').slice(1)],
  lines: ({ candidates }) => candidates.map(({ value, about }) => tabbed(value, about)),
};

function tabbed(value: string, about: string): string {
  return about === '' ? value : `${value}\t${aboutText(about)}`;
}

export const SHELLS: Readonly<Record<string, Shell>> = { bash, zsh, fish, powershell };

/** The words of a line of a shell, with what quotes and backslashes mean; the last is not finished. Nothing is expanded. */
export function shellWords(line: string): readonly string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quote = '';
  for (let at = 0; at < line.length; at++) {
    const char = line.charAt(at);
    if (char === quote) quote = '';
    else if (quote === '' && (char === "'" || char === '"')) [quote, word] = [char, word ?? ''];
    else if (char === '\\' && quote !== "'") word = (word ?? '') + line.charAt(++at);
    else if (quote === '' && /\s/.test(char)) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? '') + char;
  }
  return [...words, word ?? ''];
}
