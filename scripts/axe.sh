#!/usr/bin/env bash
# Installs the checker of accessibility that the browser tests ask: axe-core, as a PyPI package carries it, of one version,
# into .axe/ beside this folder. Run as often as you like: it does nothing when it is there already.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/setup.sh

version=0.1.8 # holds axe-core 4.12.1
file=.axe/axe_playwright_python/axe.min.js

[ "$(cat .axe/version 2>/dev/null)" = "$version" ] && [ -s "$file" ] && exit 0
command -v python3 >/dev/null && python3 -c 'import venv, ensurepip' 2>/dev/null || install_packages python3-venv
say "installing the checker of accessibility"
rm -rf .axe .axe-venv
python3 -m venv .axe-venv
.axe-venv/bin/pip install --quiet --disable-pip-version-check --only-binary :all: --no-deps --target .axe "axe-playwright-python==$version" >&2
rm -rf .axe-venv
[ -s "$file" ] || { say "the package holds no axe.min.js"; exit 1; }
echo "$version" >.axe/version
