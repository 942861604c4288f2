"""From a listing of images to shards, labels.txt and manifest.json."""
