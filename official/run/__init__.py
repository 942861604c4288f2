"""What a run is: its configuration, its folder, its checkpoints."""
