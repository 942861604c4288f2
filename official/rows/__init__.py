"""The rows of the paper's tables: what each is trained with, and the commands that make it."""
