"""`python -m datasets.convert`; see `datasets.conversion.command`."""

import sys

from datasets import interrupts

if __name__ == "__main__":
    interrupts.die_at_once()
    from datasets.conversion import command

    sys.exit(command.main())
