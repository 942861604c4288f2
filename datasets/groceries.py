"""`python -m datasets.groceries`; see `datasets.sets.groceries`."""

import sys

from datasets import interrupts

if __name__ == "__main__":
    interrupts.die_at_once()
    from datasets.sets import groceries

    sys.exit(groceries.main())
