"""What is done to colours and shapes, one image at a time."""
