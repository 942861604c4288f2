"""Which operations are done: AutoAugment, RandAugment, AugMix."""
