# shellcheck shell=bash
# Sourced by demo.sh and test.sh: the virtual environments, in git-ignored folders, made again when outdated.
# Package index, proxies and caches are pip's own configuration.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
LABEL_STUDIO=label-studio==1.23.2
CPU_TORCH=https://download.pytorch.org/whl/cpu

fail() {
  printf 'Error: %s\n' "$*" >&2
  exit 1
}

# Print the first Python this project supports; PYTHON=/path/to/python chooses another.
find_python() {
  local candidate
  for candidate in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11 python3.10; do
    if "$candidate" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  fail "Python 3.10 to 3.13 is needed, as python3 on the PATH or named by the variable PYTHON."
}

# quietly MESSAGE COMMAND...: one line on the screen; the output only if the command fails.
quietly() {
  local message=$1 output started=$SECONDS
  shift
  printf '%s ... ' "$message"
  output=$(mktemp)
  if ! "$@" >"$output" 2>&1; then
    printf 'failed\n'
    tail -n 40 "$output" >&2
    rm -f "$output"
    exit 1
  fi
  rm -f "$output"
  printf '%s s\n' $((SECONDS - started))
}

# fingerprint TEXT...: of where the project lies, its requirements, and the given words.
fingerprint() {
  "$PYTHON_FOUND" - "$ROOT" "$@" <<'PYTHON_CODE'
import hashlib, pathlib, sys

digest = hashlib.sha256("\n".join([sys.version, *sys.argv[1:]]).encode())
for name in ("pyproject.toml", "constraints.txt"):
    digest.update(pathlib.Path(sys.argv[1], name).read_bytes())
print(digest.hexdigest())
PYTHON_CODE
}

# The functions that install run under quietly's condition, where `set -e` is off: hence the chains of &&.
make_environment() {
  local folder=$1
  if ! { rm -rf "$folder" && "$PYTHON_FOUND" -m venv "$folder"; }; then
    printf '%s cannot make virtual environments (on Debian and Ubuntu: apt-get install python3-venv).\n' \
      "$PYTHON_FOUND"
    return 1
  fi
  "$folder/bin/python" -m pip install --quiet --upgrade 'pip>=25.1' # 25.1: dependency groups
}

# install_torch PACKAGE...: without an NVIDIA GPU the builds without CUDA, which spare gigabytes. Apart from the
# rest, because pip would ask the additional index for every package. If it cannot be reached, pip goes on.
install_torch() {
  local index=()
  command -v nvidia-smi >/dev/null || index=(--extra-index-url "$CPU_TORCH" --retries 1)
  "$ROOT/.venv/bin/python" -m pip install --quiet --no-deps --constraint "$ROOT/constraints.txt" \
    ${index[@]+"${index[@]}"} "$@"
}

install_maskloop() {
  make_environment "$ROOT/.venv" &&
    install_torch torch ${1:+torchvision} &&
    "$ROOT/.venv/bin/python" -m pip install --quiet --constraint "$ROOT/constraints.txt" \
      --editable "$ROOT${1:+[all]}" ${1:+--group "$ROOT/pyproject.toml:$1"}
}

install_label_studio() {
  make_environment "$ROOT/.venv-label-studio" &&
    "$ROOT/.venv-label-studio/bin/python" -m pip install --quiet "$LABEL_STUDIO"
}

# .venv with what running needs; with the argument `dev` also what testing needs.
maskloop_environment() {
  local group=${1:-} stamps=$ROOT/.venv/stamps wanted
  PYTHON_FOUND=$(find_python)
  wanted=$(fingerprint maskloop)
  [ "$(cat "$stamps/${group:-runtime}" 2>/dev/null)" = "$wanted" ] && return
  quietly "Installing Maskloop${group:+ and its development tools} into .venv" install_maskloop "$group"
  mkdir -p "$stamps"
  printf '%s\n' "$wanted" >"$stamps/runtime"
  [ -z "$group" ] || printf '%s\n' "$wanted" >"$stamps/$group"
}

# .venv-label-studio: apart, because its pinned dependencies are not ours.
label_studio_environment() {
  local stamp=$ROOT/.venv-label-studio/stamp wanted
  PYTHON_FOUND=$(find_python)
  wanted="$ROOT $LABEL_STUDIO $("$PYTHON_FOUND" --version)"
  [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return
  quietly "Installing Label Studio into .venv-label-studio (minutes the first time)" install_label_studio
  printf '%s\n' "$wanted" >"$stamp"
}
