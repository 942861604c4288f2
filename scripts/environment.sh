# Sourced by the other scripts: makes or reuses the virtual environment; sets $VENV_PYTHON.
#
#   VENV=DIR     where it lies (default: .venv beside this repository's README)
#   PYTHON=EXE   the interpreter to make it with (default: python3.11, python3.10 or python3)
#   EXTRA=gpu    install the GPU build of TensorFlow (default: cpu)

cd "$(dirname "${BASH_SOURCE[0]}")/.."
VENV="${VENV:-.venv}"
EXTRA="${EXTRA:-cpu}"

suitable() {
  "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 11))' >/dev/null 2>&1
}

version_of() {
  command -v "$1" >/dev/null 2>&1 || { echo "not there"; return; }
  "$1" --version 2>&1 || true
}

choose_python() {
  if [ -n "${PYTHON:-}" ]; then
    if suitable "$PYTHON"; then echo "$PYTHON"; return; fi
    echo "error: PYTHON=$PYTHON is $(version_of "$PYTHON"); TensorFlow 2.15 needs Python 3.10 or" \
      "3.11. Name such an interpreter: PYTHON=/path/to/python3.11 $0" >&2
    return 1
  fi
  for candidate in python3.11 python3.10 python3 python; do
    if suitable "$candidate"; then echo "$candidate"; return; fi
  done
  echo "error: no Python 3.10 or 3.11 was found (python3 is $(version_of python3));" \
    "TensorFlow 2.15 needs one of them. Install one and name it: PYTHON=/path/to/python3.11 $0" >&2
  return 1
}

make_environment() {
  case "$EXTRA" in cpu | gpu) ;; *)
    echo "error: EXTRA must be cpu or gpu. Received: $EXTRA" >&2
    return 1 ;;
  esac
  if [ ! -x "$VENV/bin/python" ] || ! suitable "$VENV/bin/python"; then
    if [ -e "$VENV/bin/python" ]; then
      echo "error: $VENV holds $(version_of "$VENV/bin/python"); Python 3.10 or 3.11 is" \
        "needed. Remove it, or choose another place with VENV=DIR." >&2
      return 1
    fi
    local python
    python="$(choose_python)" || return 1
    "$python" -m venv "$VENV" || {
      echo "error: $python cannot make a virtual environment (on Debian and Ubuntu:" \
        "apt install python3-venv)." >&2
      return 1
    }
  fi
  VENV_PYTHON="$(cd "$VENV/bin" && pwd)/python"
  # The stamp names what was installed, so that a change of setup.py or EXTRA installs again.
  local stamp
  stamp="$VENV/.installed-$EXTRA-$(cat setup.py constraints.txt | cksum | cut -d' ' -f1)"
  if [ ! -e "$stamp" ]; then
    echo "Installing into $VENV (about 1 GB; one to five minutes) ..." >&2
    "$VENV_PYTHON" -m pip install -qq --disable-pip-version-check \
      -c constraints.txt -e ".[$EXTRA,test]" || {
      echo "error: the installation failed; see the lines above. Run the script again once the" \
        "package index can be reached." >&2
      return 1
    }
    rm -f "$VENV"/.installed-*
    touch "$stamp"
  fi
}

make_environment || exit 1
