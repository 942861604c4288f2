"""What the command lines share: flags, start and end."""
