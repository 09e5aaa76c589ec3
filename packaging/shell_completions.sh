#!/bin/sh
# Writes the scripts by which bash, zsh and fish complete the commands of filmscand, where the shells of a distribution
# look for them:
#   packaging/shell_completions.sh SHARE [PROGRAM]
# SHARE is for example debian/filmscand/usr/share; PROGRAM is the filmscand that prints the scripts.
set -eu
share=${1:?usage: shell_completions.sh SHARE [PROGRAM]}
program=${2:-filmscand}

write() {
    mkdir -p "$(dirname "$2")"
    script=$("$program" completion "$1")
    # zsh reads the first line only to learn which program a script is for; the scripts begin with an empty one.
    printf '%s\n' "$script" | sed '/./,$!d' > "$2"
}
write bash "$share/bash-completion/completions/filmscand"
write zsh "$share/zsh/vendor-completions/_filmscand"
# zsh loads the script when a person first asks for a completion, and takes it for the function that answers.
echo '[ "$funcstack[1]" = _filmscand ] && _filmscand_completion "$@"' >> "$share/zsh/vendor-completions/_filmscand"
write fish "$share/fish/vendor_completions.d/filmscand.fish"
