"""TFRecord files: what a record holds, shards, reading. All that training imports."""
