#!/usr/bin/env bash
# Label Studio with Maskloop and a project of real images, from nothing but Python: bash scripts/demo.sh --help
set -euo pipefail
# shellcheck source=environments.sh
source "$(dirname "${BASH_SOURCE[0]}")/environments.sh"
maskloop_environment
label_studio_environment
cd "$ROOT"
exec .venv/bin/python -m scripts.demo "$@"
