"""`python -m datasets.show`; see `datasets.inspection.show_command`."""

import sys

from datasets.inspection import show_command

if __name__ == "__main__":
    sys.exit(show_command.main())
