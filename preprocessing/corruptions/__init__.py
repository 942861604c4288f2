"""The corruptions of ImageNet-C and CIFAR-C, in NumPy and OpenCV, outside of tf.data."""
