#!/usr/bin/env bash
# What limits a conversion on this machine, the decoder or the disk.
#
#   scripts/conversion_speed.sh [WORK_DIR]     default: runs/conversion_speed
#
# Converts ten copies of the grocery photos (PyPI, 61 MB; 13,930 JPEGs of 348 x 348 and 348 x 464
# pixels) with one process and with one per core. Takes 1.3 GB in WORK_DIR. Each conversion says
# what its time went into.
set -euo pipefail
case "${1:-}" in
  -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;;
esac
work="${1:-}"
[ -z "$work" ] || work="$(realpath -m "$work")"
cd "$(dirname "$0")/.."
source scripts/environment.sh
work="${work:-runs/conversion_speed}"

"$VENV_PYTHON" -m datasets.groceries --output_dir "$work/groceries"
if [ ! -d "$work/photos" ]; then
  echo "copying the photos ten times ..." >&2
  rm -rf "$work/photos.part"
  for folder in "$work"/groceries/*/*/; do
    split="$(basename "$(dirname "$folder")")"
    mkdir -p "$work/photos.part/$split"
    for copy in 0 1 2 3 4 5 6 7 8 9; do
      cp -r "$folder" "$work/photos.part/$split/$(basename "$folder")-$copy"
    done
  done
  mv "$work/photos.part" "$work/photos"
fi
sync
forget="
import os, sys
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        file = os.open(os.path.join(folder, name), os.O_RDONLY)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(file)
"
for workers in 1 "$(nproc)"; do
  # So that they are read from the disk again, and not out of memory.
  "$VENV_PYTHON" -c "$forget" "$work/photos"
  rm -rf "$work/tfrecords"
  echo "== $workers processes"
  "$VENV_PYTHON" -m datasets.convert image_folder --raw_dir "$work/photos" \
    --output_dir "$work/tfrecords" --num_workers="$workers" 2>/dev/null | tail -2
done
