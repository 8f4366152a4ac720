# What the build scripts of this folder share. Each of them defines `fill ROOT` and calls `layer`.
set -euo pipefail

images=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
project=$(cd "$images/../.." && pwd)
out=$project/target/images

# fingerprint PATH…: a digest of the names and contents of files and folders.
fingerprint() {
  find "$@" -type f -print0 | sort -z | xargs -0 sha256sum | sed "s#  $project/#  #" | sha256sum | cut -d' ' -f1
}

# layer NAME INPUT…: lets `fill` put files into target/images/NAME/root, unless the inputs are those of the last time.
layer() {
  local name=$1 dir=$out/$1 stamp
  shift
  stamp=$(fingerprint "$images/lib.sh" "$@")
  if [[ $(cat "$dir/stamp" 2>/dev/null) == "$stamp" ]]; then
    echo "$name: unchanged"
    return
  fi
  rm -rf "$dir"
  mkdir -p "$dir/root"
  SECONDS=0
  fill "$dir/root" </dev/null >"$dir/log" 2>&1 & # in the background, since `fill || …` would switch `set -e` off in it
  wait $! || { tail -n 40 "$dir/log" >&2; echo "$name: failed" >&2; exit 1; }
  chmod -R a+rX "$dir/root" # a function runs as any uid
  echo "$stamp" >"$dir/stamp"
  echo "$name: built in $SECONDS s, $(du -sm "$dir/root" | cut -f1) MB"
}

# debian DIR "SUITE…" PACKAGE…: unpacks packages, and what they depend on, into DIR; nothing of theirs is run.
debian() {
  local dir=$1 suites=$2 mirror suite
  shift 2
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 'Origin: Debian' 'Component: main' |
    grep -v security | head -n 1)
  for suite in $suites; do echo "deb $mirror $suite main"; done |
    mmdebstrap --quiet --mode=root --variant=extract --format=directory --include="$(IFS=,; echo "$*")" \
      "${suites%% *}" "$dir" -
  # What only a person or a package manager reads, and what the container runtime brings.
  (cd "$dir" && rm -rf dev/* run/* var/cache/* var/lib/* var/log/* etc/apt etc/dpkg etc/resolv.conf etc/hostname \
    usr/lib/*/gconv usr/share/{bash-completion,debconf,doc,doc-base,info,lintian,locale,man,menu,perl5})
}

# without_base FULL ROOT: copies to ROOT what FULL has over the base layer.
without_base() {
  comm -13 <(listing "$out/base/root") <(listing "$1") | cut -f1 | tar -C "$1" -c -T - | tar -C "$2" -x
}

listing() { (cd "$1" && find . ! -type d -printf '%p\t%s\t%l\n' | LC_ALL=C sort); }
