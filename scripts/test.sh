#!/usr/bin/env bash
# Everything the tests need, then all tests, the live ones included; arguments are pytest's.
set -euo pipefail
# shellcheck source=environments.sh
source "$(dirname "${BASH_SOURCE[0]}")/environments.sh"

chromium_browser() {
  command -v chromium || command -v chromium-browser || command -v google-chrome
}

install_chromium() {
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y chromium
}

maskloop_environment dev
label_studio_environment
if ! chromium_browser >/dev/null; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    fail "The live tests need a browser: install Chromium, on Debian and Ubuntu with sudo apt-get install chromium."
  fi
  quietly "Installing Chromium" install_chromium
fi

cd "$ROOT"
.venv/bin/ruff format --check .
.venv/bin/ruff check .
.venv/bin/mypy
.venv/bin/lint-imports
.venv/bin/python -m pytest "$@"
