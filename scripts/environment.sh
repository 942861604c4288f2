# Sourced by the other scripts: makes or reuses the virtual environment; sets $VENV_PYTHON and $LANE.
#
#   VENV=DIR     where it lies (default: .venv beside this repository's README)
#   PYTHON=EXE   the interpreter to make it with (default: the first of Python 3.11, 3.10, 3.12 and 3.13)
#   LANE=A|B     TensorFlow 2.15 (Python 3.10, 3.11) or 2.21 (3.10 to 3.13); default: A where the
#                Python can. Chosen by hand, its environment is .venv-a or .venv-b
#   EXTRA=gpu    install TensorFlow with CUDA and cuDNN (default: cpu)
# Where no such interpreter is there, the status is 3.

cd "$(dirname "${BASH_SOURCE[0]}")/.."
EXTRA="${EXTRA:-cpu}"
case "${LANE:-}" in
  "") VENV="${VENV:-.venv}" pythons="3.11 3.10 3.12 3.13" ;;
  A) VENV="${VENV:-.venv-a}" pythons="3.11 3.10" ;;
  B) VENV="${VENV:-.venv-b}" pythons="3.12 3.13 3.11 3.10" ;;
  *) echo "error: LANE must be A (TensorFlow 2.15) or B (TensorFlow 2.21). Received: $LANE" >&2
    exit 1 ;;
esac

# The version of an interpreter, such as 3.11; nothing where it does not run.
minor() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true; }

suitable() {
  local version
  version="$(minor "$1")"
  [ -n "$version" ] && case " $pythons " in *" $version "*) ;; *) return 1 ;; esac
}

version_of() {
  "$1" --version >/dev/null 2>&1 && "$1" --version 2>&1 || echo "not there"
}

wanted() {
  echo "Python ${pythons// /, } (${LANE:+LANE=$LANE: }TensorFlow 2.15 runs on 3.10 and 3.11," \
    "TensorFlow 2.21 on 3.10 to 3.13)"
}

choose_python() {
  if [ -n "${PYTHON:-}" ]; then
    if suitable "$PYTHON"; then echo "$PYTHON"; return; fi
    echo "error: PYTHON=$PYTHON is $(version_of "$PYTHON"); this needs one of $(wanted)." \
      "Name such an interpreter: PYTHON=/path/to/python3.12 $0" >&2
    return 3
  fi
  local version candidate
  for version in $pythons; do
    for candidate in "python$version" python3 python \
      "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/python; do
      if [ "$(minor "$candidate")" = "$version" ]; then echo "$candidate"; return; fi
    done
  done
  echo "error: no suitable Python was found (python3 is $(version_of python3)); this needs one of" \
    "$(wanted). Install one and name it: PYTHON=/path/to/python3.12 $0" >&2
  return 3
}

make_environment() {
  case "$EXTRA" in cpu | gpu) ;; *)
    echo "error: EXTRA must be cpu or gpu. Received: $EXTRA" >&2
    return 1 ;;
  esac
  if [ ! -x "$VENV/bin/python" ] || ! suitable "$VENV/bin/python"; then
    if [ -e "$VENV/bin/python" ]; then
      echo "error: $VENV holds $(version_of "$VENV/bin/python"); this needs one of $(wanted)." \
        "Remove it, or choose another place with VENV=DIR." >&2
      return 1
    fi
    local python
    python="$(choose_python)" || return
    "$python" -m venv "$VENV" || {
      echo "error: $python cannot make a virtual environment (on Debian and Ubuntu:" \
        "apt install python3-venv)." >&2
      return 1
    }
  fi
  VENV_PYTHON="$(cd "$VENV/bin" && pwd)/python"
  if [ -z "${LANE:-}" ]; then
    case "$(minor "$VENV_PYTHON")" in 3.10 | 3.11) LANE=A ;; *) LANE=B ;; esac
  fi
  local held
  for held in "$VENV"/.installed-[AB]-*; do
    case "${held##*/.installed-}" in "$LANE"-* | "*") ;; *)
      [ ! -e "$held" ] || {
        echo "error: $VENV holds the other lane than LANE=$LANE. Remove it, or choose another" \
          "place with VENV=DIR." >&2
        return 1
      } ;;
    esac
  done
  # The stamp names what was installed, so that a change of setup.py, EXTRA or LANE installs again.
  local constraints stamp
  constraints="constraints-$([ "$LANE" = A ] && echo a || echo b).txt"
  stamp="$VENV/.installed-$LANE-$EXTRA-$(cat setup.py "$constraints" | cksum | cut -d' ' -f1)"
  if [ ! -e "$stamp" ]; then
    echo "Installing into $VENV (lane $LANE, 1 to 2 GB, with CUDA 5; one to five minutes) ..." >&2
    # An environment that uv made has none.
    "$VENV_PYTHON" -m pip --version >/dev/null 2>&1 || "$VENV_PYTHON" -m ensurepip >/dev/null || {
      echo "error: $VENV has no pip, and cannot make one. Remove it, or choose another place with" \
        "VENV=DIR." >&2
      return 1
    }
    LANE="$LANE" "$VENV_PYTHON" -m pip install -qq --disable-pip-version-check \
      -c "$constraints" -e ".[$EXTRA,test]" || {
      echo "error: the installation failed; see the lines above. Run the script again once the" \
        "package index can be reached." >&2
      return 1
    }
    rm -f "$VENV"/.installed-*
    touch "$stamp"
  fi
}

make_environment || exit $?
