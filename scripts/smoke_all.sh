#!/usr/bin/env bash
# Runs rows with --smoke, one after the other: scripts/smoke_all.sh [ROW ...] (default: all of them).
# The table goes to results/smoke.md in the working directory; --output=FILE chooses another.
exec "$(dirname "$0")/rows.sh" smoke "$@"
