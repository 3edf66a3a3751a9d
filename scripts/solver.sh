#!/usr/bin/env bash
# Installs the SMT solver that `lineclear estate check` proves with: cvc5 from PyPI, of the one version that the proofs
# are pinned to, into .smt/ beside this folder. Run as often as you like: it does nothing when the solver answers already.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/setup.sh

version=1.3.1

answers() { [ "$(tools/cvc5 --version 2>/dev/null)" = "This is cvc5 version $version" ]; }

answers && exit 0
command -v python3 >/dev/null && python3 -c 'import venv, ensurepip' 2>/dev/null || install_packages python3-venv
say "installing the solver: cvc5 $version"
rm -rf .smt
python3 -m venv .smt
.smt/bin/pip install --quiet --disable-pip-version-check --only-binary :all: "cvc5==$version" >&2
answers || { say "the solver does not answer: tools/cvc5 --version"; exit 1; }
