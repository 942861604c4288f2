#!/usr/bin/env bash
# Table 9, FGVC Aircraft: Assemble-ResNet-FGVC-50. Paper: top-1 92.4 %.
#   fgvc_aircraft_assemble_fgvc50.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table9/fgvc_aircraft_assemble_fgvc50.sh [--dry_run | --smoke]
#   [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table9/fgvc_aircraft_assemble_fgvc50 "$@"
