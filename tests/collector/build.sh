#!/bin/sh
# Builds the collector, one static program, into target/tools/bin (or the folder given). The first build takes about
# three minutes on two cores, later ones some seconds.
set -eu
cd "$(dirname "$0")"
bin=${1:-../../target/tools/bin}
mkdir -p "$bin"
CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o "$bin/collector" .
