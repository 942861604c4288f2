# Sourced by scripts that start the program from any directory; sets $python and PYTHONPATH.
#
# The Python is that of $VENV (default: .venv of this repository), of the active environment, or the
# one on PATH, whichever has TensorFlow; where none has, .venv is made.
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
has_tensorflow='import importlib.util as u, sys; sys.exit(not (u.find_spec("tensorflow") and u.find_spec("absl")))'
python=""
for candidate in "${VENV:-$root/.venv}/bin/python" "${VIRTUAL_ENV:-/nowhere}/bin/python" python python3; do
  if "$candidate" -c "$has_tensorflow" 2>/dev/null; then
    python="$candidate"
    break
  fi
done
if [ -z "$python" ]; then
  here="$PWD"
  source "$root/scripts/environment.sh"
  cd "$here"
  python="$VENV_PYTHON"
fi
export PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}"
