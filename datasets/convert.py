"""`python -m datasets.convert`; see `datasets.conversion.command`."""

import sys

from datasets.conversion import command

if __name__ == "__main__":
    sys.exit(command.main())
