// What the program says of itself, as a man page and as a completion for bash. `locksmith(...argv)` runs it and gives what it prints.

/** The commands, with what each does. */
function commandsOf(locksmith) {
  return [...locksmith('--help').matchAll(/^ {2}(\S+) {2,}(\S.*)$/gm)].map(([, name, does]) => ({ name, does }));
}

/** Text as roff takes it. */
const roff = (text) =>
  text
    .replaceAll('\\', '\\e')
    .replace(/-/g, '\\-')
    .replace(/^([.'])/gm, '\\&$1');

/** locksmith.1 */
export function manPage(locksmith, version, epoch) {
  const date = new Date(Number(epoch) * 1000).toISOString().slice(0, 10);
  const commands = commandsOf(locksmith);
  const pages = commands.map(({ name, does }) => {
    const help = locksmith(name, '--help').trimEnd();
    return `.SS ${roff(name)}\n${roff(does)}.\n.PP\n.nf\n${roff(help)}\n.fi\n`;
  });
  return `.TH LOCKSMITH 1 ${date} "locksmith ${version}" "User Commands"
.SH NAME
locksmith \\- takes signed config updates under the device's own lock
.SH SYNOPSIS
.B locksmith
.I COMMAND
[\\fIoption\\fR ...]
.SH COMMANDS
${pages.join('')}.SH FILES
.TP
.I /etc/locksmith/agent.yaml
the settings
.TP
.I /var/lib/locksmith
what the agent remembers, and its log
.TP
.I /run/locksmith
the locks
.TP
.I /usr/share/doc/locksmith\\-agent
settings, codes, locks, operations
.SH EXIT STATUS
0 done, 1 failed, 2 wrong usage or settings, 3 refused, 4 nothing to do or not found.
`;
}

/** Completion of commands, their options, and names of configs. */
export function completion(locksmith) {
  const commands = commandsOf(locksmith);
  const cases = commands.map(({ name }) => {
    const options = [...new Set(locksmith(name, '--help').match(/(?<![\w-])--[a-z][a-z-]*/g) ?? [])].sort();
    return `    ${name}) options='${options.join(' ')}' ;;`;
  });
  return `# Completion for locksmith. Made from its help texts.
_locksmith() {
  local word=\${COMP_WORDS[COMP_CWORD]} options=
  if [ "$COMP_CWORD" = 1 ]; then
    COMPREPLY=($(compgen -W '${commands.map(({ name }) => name).join(' ')} --help --version' -- "$word"))
    return
  fi
  case \${COMP_WORDS[1]} in
${cases.join('\n')}
  esac
  case $word in
    -*) COMPREPLY=($(compgen -W "$options" -- "$word")) ;;
    *)
      # The names of the configs are what \`locks\` lists.
      local names=
      case \${COMP_WORDS[1]} in
        locks | hold | release | history | diff | rollback | refresh)
          [ "$COMP_CWORD" != 2 ] || names=$(locksmith locks 2>/dev/null | sed 's/ .*//')
          ;;
      esac
      COMPREPLY=($(compgen -W "$names" -- "$word") $(compgen -f -- "$word"))
      ;;
  esac
}
complete -o filenames -F _locksmith locksmith
`;
}
