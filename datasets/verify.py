"""`python -m datasets.verify`; see `datasets.inspection.verify_command`."""

import sys

from datasets import interrupts

if __name__ == "__main__":
    interrupts.die_at_once()
    from datasets.inspection import verify_command

    sys.exit(verify_command.main())
