"""`python -m datasets.verify`; see `datasets.inspection.verify_command`."""

import sys

from datasets.inspection import verify_command

if __name__ == "__main__":
    sys.exit(verify_command.main())
