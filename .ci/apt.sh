#!/usr/bin/env bash
# Installs packages: `.ci/apt.sh PACKAGE…`. Lists may be stale, mirrors slow, and somebody else may be installing.
set -euo pipefail

apt() {
    local options=(-qq -o Acquire::Retries=5 -o DPkg::Lock::Timeout=600) root=(env)
    if [ "$(id -u)" != 0 ]; then root=(sudo env); fi
    "${root[@]}" DEBIAN_FRONTEND=noninteractive apt-get "${options[@]}" "$@"
}

# Another one at it locks the lists as well, which knows no timeout.
for ((n = 0; n < 20; n++)); do
    if apt update; then break; fi
    sleep 15
done
apt install -y --no-install-recommends "$@"
