# Sourced by every script beside it: where things are, and how a step shows itself. Starts nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

TARGET=target
TOOLS=$TARGET/tools
CLUSTER=$TARGET/cluster
LOGS=$TARGET/log
TRIPLE=x86_64-unknown-linux-gnu
# Where the programs are; KUBELAMBDA_PROGRAMS names ones that were built otherwise, such as for debugging.
PROGRAMS=${KUBELAMBDA_PROGRAMS:-$TARGET/$TRIPLE/small}
mkdir -p "$LOGS" "$TOOLS/bin"
PATH="$PWD/$TOOLS/bin:$PWD/$TOOLS/venv/bin:$PWD/$CLUSTER/bin:$PATH"
export PATH

STEPS=${STEPS:-1}
step_number=0

# step TITLE LIKELY_CAUSE COMMAND...: runs the command with its output in a log, and says how it went.
step() {
  local title=$1 cause=$2 log began took
  shift 2
  step_number=$((step_number + 1))
  log=$LOGS/$(echo "$title" | tr 'A-Z ' 'a-z-' | tr -cd 'a-z0-9-').log
  began=$(date +%s)
  printf '[%d/%d] %s … ' "$step_number" "$STEPS" "$title"
  # Not in an `if`: that would switch off `set -e` inside the functions that steps call.
  set +e
  (set -e; "$@") >"$log" 2>&1
  local status=$?
  set -e
  took=$(($(date +%s) - began))
  if [ $status -eq 0 ]; then
    printf 'done in %d s\n' "$took"
    return 0
  fi
  printf 'failed after %d s\n' "$took"
  tail -n 20 "$log" | sed 's/^/    /'
  printf '\nThe whole log: %s\nA likely cause: %s\n' "$log" "$cause"
  exit 1
}

# fresh STAMP INPUT...: whether STAMP was made from these very files (`remember` makes it).
fingerprint() { find "$@" -type f -not -path '*/__pycache__/*' -print0 | sort -z | xargs -0 sha256sum | sha256sum; }
fresh() { [ -f "$1" ] && [ "$(fingerprint "${@:2}")" = "$(cat "$1")" ]; }
remember() { mkdir -p "$(dirname "$1")" && fingerprint "${@:2}" >"$1"; }
