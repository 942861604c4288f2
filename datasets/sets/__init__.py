"""The published data sets, one in a file."""
