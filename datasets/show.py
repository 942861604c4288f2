"""`python -m datasets.show`; see `datasets.inspection.show_command`."""

import sys

from datasets import interrupts

if __name__ == "__main__":
    interrupts.die_at_once()
    from datasets.inspection import show_command

    sys.exit(show_command.main())
