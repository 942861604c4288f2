"""How well a network does on corrupted and moving pictures."""
