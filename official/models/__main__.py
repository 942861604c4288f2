"""`python -m official.models`; see `official.models.listing`."""

from absl import flags

from official.command import program
from official.models import listing

if __name__ == "__main__":
    __doc__ = listing.__doc__
    listing.define_flags()
    flags.adopt_module_key_flags(listing)
    program.run(listing.main, words=True)
