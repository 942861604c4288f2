"""The original's command: its flags, their defaults, and what they mean, on this program.

    python main_classification.py --dataset_name=imagenet --data_dir=DIR --model_dir=DIR ...

The original's training scripts run with it unchanged but for their paths. It is `python -m
official.train` with the original's defaults before the command line, and takes that command's flags
too; docs/original_flags.md has all 83 flags of the original with both.
"""

import sys

from official.command import original_flags, program
from official.run import flag_files
from official.train import __main__ as train

if __name__ == "__main__":
    try:
        sys.argv[1:] = original_flags.with_defaults(sys.argv[1:])
    except flag_files.BadFlagFile as error:
        program.fail(str(error))
    train.define_flags()
    program.run(train.main)
