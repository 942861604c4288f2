"""What lies where in MODEL_DIR, the folder of a run: the one list of names."""

# What the run is and how it was started last; each start has a line in the history.
CONFIG_FILE = "config.json"
HISTORY_FILE = "history.jsonl"
# One class name per line; the number of the line, from 0, is the label.
LABELS_FILE = "labels.txt"
# A line per epoch, a line per evaluation, and the scores of the last one.
TRAINING_LOG = "training.jsonl"
EVALUATION_LOG = "evaluations.jsonl"
EVALUATION_FILE = "evaluation.json"
# What the last evaluation says of each image.
PREDICTIONS = "predictions.csv"
# What the last evaluation found, for people to look at: page, picture and numbers, in a folder.
REPORT = "report"
REPORT_PAGE = "report.html"
REPORT_PICTURE = "report.png"
REPORT_FILE = "report.json"
# Lines of `python -m official.benchmark` about the exported network, of a row of the paper.
BENCHMARK_FILE = "benchmark.jsonl"
# What it does on corrupted and moving pictures, in a folder: each single result, and the scores.
ROBUSTNESS = "robustness"
ROBUSTNESS_LOG = "results.jsonl"
CORRUPTIONS_FILE = "corruptions.json"
CORRUPTIONS_PICTURE = "corruptions.png"
PERTURBATIONS_FILE = "perturbations.json"
# The account of records that were left out.
BAD_RECORDS_LOG = "bad_records.jsonl"
# Where the first weights came from: a checkpoint of the original, or another run.
IMPORT_FILE = "import.json"
PRETRAINED_FILE = "pretrained.json"
# What frozen layers make of the training images, while it trains, and how much of that is done.
FEATURES_FILE = "features.f16"
FEATURES_STATE = "features.json"
# TensorBoard's events.
EVENTS = "logs"
# Checkpoints are `model.ckpt-STEP`; those put aside lie in folders, as in the original. Which one
# is the newest stands in STATE_FILE for TensorFlow's own tools; here the folder is listed.
CHECKPOINT_NAME = "model.ckpt"
STATE_FILE = "checkpoint"
BEST = "best"
BEST_LIST = "best_checkpoints"
PERIODICAL = "periodical"
# Who writes in the folder, and what is not whole yet.
LOCK_FILE = "in_use.json"
UNFINISHED = "model.ckpt.unfinished"
