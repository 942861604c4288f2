"""What is done to whole batches: mixup, CutMix."""
