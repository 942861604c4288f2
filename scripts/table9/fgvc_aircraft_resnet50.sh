#!/usr/bin/env bash
# Table 9, FGVC Aircraft: ResNet-50. Paper: top-1 78.8 %. fgvc_aircraft_resnet50.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table9/fgvc_aircraft_resnet50.sh [--dry_run | --smoke] [flags
#   of official.train]
exec "$(dirname "$0")/../rows.sh" run table9/fgvc_aircraft_resnet50 "$@"
