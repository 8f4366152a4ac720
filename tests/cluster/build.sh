#!/bin/sh
# Builds the programs of the cluster, `cluster` and `pause`, into target/cluster/bin (or the folder given).
# The first build takes about six minutes on two cores, later ones some seconds.
set -eu
cd "$(dirname "$0")"
bin=${1:-../../target/cluster/bin}
mkdir -p "$bin"

# What the components report as their version; clients refuse a server without one.
package=k8s.io/component-base/version
version="-X $package.gitVersion=v1.35.4 -X $package.gitMajor=1 -X $package.gitMinor=35"

go build -trimpath -ldflags "-s -w $version" -o "$bin/cluster" .
cc -static -Os -s -Wall -Werror -o "$bin/pause" pause/pause.c
