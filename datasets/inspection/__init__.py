"""What is in a converted data set, and what is wrong with it."""
