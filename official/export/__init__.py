"""The exported model, and what it says of images."""
