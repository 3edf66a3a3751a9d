#!/usr/bin/env bash
# Gets what the tests of notices send to: a mail server and the reference library of Standard Webhooks, in a virtual environment.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/setup.sh

smtp=1.4.6
webhooks=1.1.0
[ "$(cat .receivers/versions 2>/dev/null)" = "$smtp $webhooks" ] && exit
command -v python3 >/dev/null && python3 -c 'import venv, ensurepip' 2>/dev/null || install_packages python3-venv
say "installing aiosmtpd $smtp and standardwebhooks $webhooks into .receivers"
rm -rf .receivers
python3 -m venv .receivers
.receivers/bin/pip install --quiet --disable-pip-version-check --only-binary :all: "aiosmtpd==$smtp" "standardwebhooks==$webhooks" >&2
printf '%s %s\n' "$smtp" "$webhooks" >.receivers/versions
