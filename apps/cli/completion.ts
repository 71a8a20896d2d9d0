import type { Command, Input } from "./command.ts";
import { optionsOf } from "./help.ts";
import { wrongUsage } from "./parse.ts";

const SHELLS: Record<string, (commands: Command[]) => string> = { bash, zsh, fish };

/** Prints what a shell has to read to complete commands and options, made from the table of commands. */
export async function completion({ args, out }: Input, commands: Command[]): Promise<void> {
  const [shell = ""] = args;
  const script = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined;
  if (!script) {
    throw wrongUsage(`one of ${Object.keys(SHELLS).join(", ")} was expected, and '${shell}' came`, {
      name: "completion",
    });
  }
  if (out.json) return out.value({ completes: script(commands) });
  out.line(script(commands));
}

const flagsOf = (command: Command) => Object.keys(optionsOf(command)).map((name) => `--${name}`);
/** For single quotes of any of the three. */
const plain = (text: string) => text.replaceAll(/['\\`$:[\]]/g, " ").replaceAll(/ {2,}/g, " ");

/** Bash breaks words at colons, which commands have: the word is taken from the line. */
function bash(commands: Command[]): string {
  const cases = commands.map((one) => `    ${one.name}) words='${flagsOf(one).join(" ")}' ;;`);
  return `# teal completion bash: put it where bash reads completions, or: source <(teal completion bash)
_teal() {
  local line=\${COMP_LINE:0:COMP_POINT} cur command= word words i
  cur=\${line##*[[:space:]]}
  for word in \${line%"$cur"}; do
    [[ $word == teal || $word == */teal || $word == -* ]] || { command=$word; break; }
  done
  case $command in
    '') words='${commands.map((one) => one.name).join(" ")}' ;;
    help) words='${commands.map((one) => one.name).join(" ")} --man' ;;
${cases.filter((line) => !line.startsWith("    help)")).join("\n")}
    *) words= ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
    for i in "\${!COMPREPLY[@]}"; do COMPREPLY[i]=\${COMPREPLY[i]#"\${cur%:*}:"}; done
  fi
}
complete -o default -F _teal teal`;
}

function zsh(commands: Command[]): string {
  const names = commands.map(
    (one) => `    '${one.name.replaceAll(":", "\\:")}:${plain(one.summary)}'`,
  );
  const cases = commands.map((one) => {
    const options = Object.entries(optionsOf(one)).map(
      ([name, { help }]) => `'--${name}:${plain(help)}'`,
    );
    return `    ${one.name}) options=(${options.join(" ")}) ;;`;
  });
  return `#compdef teal
# teal completion zsh > a folder of $fpath/_teal
_teal() {
  local -a commands options
  commands=(
${names.join("\n")}
  )
  local command=\${\${(@)words[2,CURRENT-1]:#-*}[1]}
  if [[ -z $command || $command == help ]] && [[ $words[CURRENT] != -* ]]; then
    _describe command commands
    return
  fi
  case $command in
${cases.join("\n")}
  esac
  _describe option options || _files
}
compdef _teal teal`;
}

function fish(commands: Command[]): string {
  const command = (when: string, one: Command) =>
    `complete -c teal -f -n ${when} -a '${one.name}' -d '${plain(one.summary)}'`;
  const lines = commands.flatMap((one) => [
    command("__fish_use_subcommand", one),
    command("'__fish_seen_subcommand_from help'", one),
    ...Object.entries(optionsOf(one)).map(([name, { type, short, help }]) => {
      const flags = `-l ${name}${short ? ` -s ${short}` : ""}${type === "string" ? " -r" : ""}`;
      return `complete -c teal -n '__fish_seen_subcommand_from ${one.name}' ${flags} -d '${plain(help)}'`;
    }),
  ]);
  return ["# teal completion fish > ~/.config/fish/completions/teal.fish", ...lines].join("\n");
}
