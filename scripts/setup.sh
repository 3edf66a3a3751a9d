# Sourced by ./run and ./test: what a fresh Debian or Ubuntu machine lacks. Everything said here goes to
# standard error, because the standard output of ./run belongs to the program that it starts.
# shellcheck shell=bash

say() { printf '%s\n' "$*" >&2; }

need_cargo() {
  command -v cargo >/dev/null && return
  say "cargo is missing: install the Rust toolchain (https://rustup.rs, then: rustup toolchain install 1.95)"
  say "and run this command again; everything else is installed for you."
  exit 1
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo -n -- "$@"
  else
    say "this needs root: run it as root, or install sudo: $*"
    return 1
  fi
}

# The packages get an archive folder of their own: container images clean the shared one after every
# `apt-get update`, also under the feet of an installation that still runs.
install_packages() {
  command -v apt-get >/dev/null || { say "apt-get is missing; install by hand: $*"; return 1; }
  say "installing: $*"
  local archive status=0
  archive=$(mktemp -d)
  chmod 755 "$archive"
  mkdir "$archive/partial"
  as_root chown _apt "$archive/partial" 2>/dev/null || true
  as_root apt-get -o DPkg::Lock::Timeout=300 update -qq </dev/null >&2 &&
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 \
      -o Dir::Cache::archives="$archive" install -y -qq --no-install-recommends --no-upgrade "$@" </dev/null >&2 ||
    status=$?
  as_root rm -rf -- "$archive"
  [ "$status" -eq 0 ] || say "could not install: $*"
  return "$status"
}

need_compiler() {
  command -v cc >/dev/null || install_packages build-essential
}
